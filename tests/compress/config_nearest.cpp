#include "espalier/compress/config/nearest.h"

#include <catch2/catch.hpp>

using namespace espalier::compress;

TEST_CASE("edit distance counts edits and swaps", "[config]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("sparsity", "sparsity") == 0);
  CHECK(edit_distance("sparsty", "sparsity") == 1);    // one missing
  CHECK(edit_distance("sparsiity", "sparsity") == 1);  // one too many
  CHECK(edit_distance("sparzity", "sparsity") == 1);   // one wrong
  CHECK(edit_distance("sparstiy", "sparsity") == 1);   // two swapped
  CHECK(edit_distance("ab", "ba") == 1);
  CHECK(edit_distance("SPARSITY", "sparsity") == 0);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);  // no character is edited twice
}

TEST_CASE("the nearest name is found, and nothing where nothing is near", "[config]") {
  const std::vector<std::string> keys = {"initial_sparsity", "final_sparsity", "frequency", "lr"};
  CHECK(nearest("frequncy", keys) == "frequency");
  CHECK(nearest("Frequency", keys) == "frequency");
  CHECK(nearest("final_sparisty", keys) == "final_sparsity");
  CHECK(nearest("l", keys) == "lr");
  CHECK(nearest("rl", keys) == "lr");
  CHECK(nearest("wd", keys).empty());
  CHECK(nearest("momentum", keys).empty());
  CHECK(nearest("x", {"y"}).empty());
  CHECK(nearest("", {"a"}).empty());
  CHECK(nearest("a", {}).empty());
  CHECK(nearest("adam", {"AdamW", "Adam", "SGD"}) == "Adam");
}

TEST_CASE("of equally near names the first is taken", "[config]") {
  CHECK(nearest("gate", {"late", "date", "fate"}) == "late");
  CHECK(nearest("gate", {"date", "late"}) == "date");
}

TEST_CASE("the end of a message", "[config]") {
  CHECK(did_you_mean("frequncy", {"frequency"}) == "; did you mean 'frequency'?");
  CHECK(did_you_mean("momentum", {"frequency"}).empty());
  CHECK(mean_or_there_are("frequncy", {"frequency", "rate"}) ==
        "; did you mean 'frequency'? There are frequency, rate");
  CHECK(mean_or_there_are("momentum", {"frequency"}) == "; there are frequency");
  CHECK(mean_or_there_are("momentum", {}) == "; there are none");
}
