#include "espalier/experiment/starter_config.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/train_config.h"

namespace espalier::experiment {
namespace {

PictureSurvey survey(int classes, int64_t training, int64_t height, int64_t width, bool grey) {
  PictureSurvey survey;
  survey.folder = "my #1 pictures: all # of them";
  survey.height = height;
  survey.width = width;
  survey.grey = grey;
  for (int i = 0; i < classes; ++i)
    survey.classes.push_back({"class " + std::to_string(i), training / classes, 5});
  return survey;
}

}  // namespace

TEST_CASE("a first configuration fits the pictures") {
  const StarterChoice few = choose_start(survey(3, 90, 50, 60, false));
  CHECK_FALSE(few.residual);
  CHECK(few.height == 48);
  CHECK(few.width == 56);  // 48·60/50 = 57.6, of multiples of 8 the nearest
  CHECK(few.batch == 16);
  CHECK(few.epochs == 60);

  const StarterChoice many = choose_start(survey(10, 50000, 400, 400, false));
  CHECK(many.residual);
  CHECK_FALSE(many.named);  // 64×64
  CHECK(many.height == 64);
  CHECK(many.batch == 64);
  CHECK(many.epochs == 10);

  PictureSurvey cifar = survey(10, 5000, 32, 32, false);
  cifar.one_size = true;
  CHECK(choose_start(cifar).named);
  CHECK(choose_start(cifar).epochs == 51);  // 4000/79
  cifar.grey = true;
  CHECK_FALSE(choose_start(cifar).named);

  const StarterChoice wide = choose_start(survey(2, 1000, 100, 900, true));
  CHECK(wide.height == 64);
  CHECK(wide.width == 128);  // twice at most
  CHECK(wide.channels == 1);
}

TEST_CASE("a first configuration is one that trains") {
  for (const int classes : {2, 10, 37}) {
    for (const int64_t pictures : {60, 900, 20000}) {
      for (const int64_t side : {8, 28, 50, 300}) {
        for (const bool one_size : {false, true}) {
          for (const bool grey : {false, true}) {
            PictureSurvey seen = survey(classes, pictures, side, side + 11, grey);
            seen.one_size = one_size;
            const std::string text = starter_config(seen);
            CAPTURE(text);
            compress::Value value = compress::parse_yaml(text, "new.yaml");
            const StarterChoice choice = choose_start(seen);
            CHECK(value.find("data")->find("dir")->as_text() == "my #1 pictures: all # of them");
            // Its pictures are not there: made-up ones of that shape stand in.
            value.set("data", compress::Value("synthetic"));
            const TrainConfig config = TrainConfig::from(value);
            CHECK(config.model.sample == Shape{choice.height, choice.width, choice.channels});
            nn::Sequential net = config.model.make();
            net.eval();
            const Tensor scores =
                net(Tensor::full({1, choice.height, choice.width, choice.channels}, 1));
            CHECK(scores.shape() == Shape{1, classes});
          }
        }
      }
    }
  }
}

}  // namespace espalier::experiment
