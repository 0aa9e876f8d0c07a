# Someone's project with a program that only runs networks.
cmake_minimum_required(VERSION 3.25)
project(app LANGUAGES CXX)
file(WRITE ${PROJECT_SOURCE_DIR}/main.cpp [[
#include <espalier/compress/runtime/runtime.h>
int main() {
  espalier::runtime::Model model;
  return espalier::runtime::load("", 0, {}, model).ok();
}
]])
add_executable(app main.cpp)
@BLOCK@
