#include <stdio.h>

int check_all(void (*say)(const char *text));

static void say(const char *text) { fputs(text, stdout); }

int main(void) { return check_all(say); }
