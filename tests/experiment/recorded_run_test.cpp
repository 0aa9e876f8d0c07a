#include "espalier/experiment/recorded_run.h"

#include <catch2/catch.hpp>

#include "espalier/datasets/loader.h"
#include "espalier/nn/train/evaluation.h"
#include "experiment/runs.h"

using namespace espalier;
using namespace espalier::test;

using testing::TemporaryFolder;

TEST_CASE("a recorded run answers as it did when it was judged, quantized activations too") {
  const std::string compress = GENERATE(
      "compress: {QATQuantizer: {config: [{q_bits: 3, first_last_bits: 3}]}}\n",
      "compress: {QATQuantizer: {config: [{q_bits: 3, start_epoch: 9}]}}\n",  // never begins
      "compress: {QATQuantizer: {config: [{q_bits: 3, quant_start_step: 15}]}}\n",
      "compress: {DoReFaQuantizer: {config: [{weight_bits: 2, activation_bits: 1, start_epoch: 2, "
      "support_op: [fc1, fc2, fc3]}]}}\n",
      "compress: {WeightSharingQuantizer: {config: [{q_bits: 3, start_epoch: 1}]}}\n",
      "compress: {AGPruner: {config: [{final_sparsity: 0.8, end_epoch: 3}]}}\n");
  CAPTURE(compress);
  const TemporaryFolder folder;
  const experiment::TrainConfig config =
      small_config("optimizer: {SGD: {lr: 0.05, momentum: 0.9}}\n" + compress);
  experiment::RunFolder to = experiment::RunFolder::create(folder / "run", "", config, false);
  experiment::Experiment trained(config);
  experiment::Observer observer;
  REQUIRE(trained.run(small_data(config), to, observer).has_value());
  experiment::RecordedRun run = experiment::read_run(folder / "run");
  datasets::Loader loader(small_data(config).evaluation, {.batch = 30});
  CHECK(nn::evaluate(run.model, loader).loss == nn::evaluate(trained.model(), loader).loss);
}
