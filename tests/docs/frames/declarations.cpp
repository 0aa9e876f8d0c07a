// Functions and classes that stand outside of any function.
#include <espalier/espalier.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

using namespace espalier;

@BLOCK@

int main() {}
