int check_all(void (*say)(const char *text));
void say(const char *text);

int main(void) { return check_all(say); }
