# Someone's project with a program that trains.
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
file(WRITE ${PROJECT_SOURCE_DIR}/main.cpp [[
#include <espalier/espalier.h>
int main() { return espalier::nn::named_model("lenet5").make().parameters().empty(); }
]])
add_executable(app main.cpp)
@BLOCK@
