#pragma once

#include <espalier/espalier.h>

#include <fstream>
#include <string>
#include <vector>

/// A quantizer that changes nothing and keeps a list of when it is called. With the option `log` it
/// writes the list to that file as well, a call a line.
class CallLog : public espalier::compress::Quantizer {
 public:
  using Quantizer::Quantizer;

  void preprocess_model(espalier::nn::Module&) override { note("preprocess_model"); }
  void update_epoch(int epoch) override {
    Quantizer::update_epoch(epoch);
    note("update_epoch " + std::to_string(epoch));
  }
  void step() override {
    Quantizer::step();
    note("step");
  }
  espalier::Tensor quantize_weight(const espalier::compress::LayerInfo& layer,
                                   const espalier::Tensor& weight) override {
    note("quantize_weight " + layer.name);
    return weight;
  }
  const std::vector<std::string>& calls() const { return calls_; }

 protected:
  void read_rule(int rule, espalier::compress::MapReader& options) override {
    Quantizer::read_rule(rule, options);
    log_ = options.text("log", "", "the file to write calls to");
  }

 private:
  void note(const std::string& call) {
    calls_.push_back(call);
    if (!log_.empty()) std::ofstream(log_, std::ios::app) << call << "\n";
  }
  std::string log_;
  std::vector<std::string> calls_;
};
