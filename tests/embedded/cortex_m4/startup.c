/* What runs before main on a Cortex-M4 without an operating system, and how main speaks: by
   semihosting, calls that the emulator answers. */
#include <stddef.h>
#include <stdint.h>

int main(void);
void say(const char *text);
void reset(void);

extern uint32_t stack_top[], data_begin[], data_end[], bss_begin[], bss_end[];
extern const uint32_t data_stored[];

__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {
    stack_top, (const void *)reset};

static void ask_host(int what, const void *argument) {
  register int r0 __asm__("r0") = what;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void say(const char *text) { ask_host(0x04, text); }

void reset(void) {
  const uint32_t *from = data_stored;
  uint32_t *to;
  for (to = data_begin; to < data_end;) *to++ = *from++;
  for (to = bss_begin; to < bss_end;) *to++ = 0;
  /* The host's exit status is 0 for an application that ended, and 1 for any other reason. */
  ask_host(0x18, main() == 0 ? (const void *)0x20026 : (const void *)0x20023);
  for (;;) {
  }
}

/* Compilers call these even where there is no C library. */
void *memset(void *to, int value, size_t n) {
  volatile unsigned char *at = to;
  while (n--) *at++ = (unsigned char)value;
  return to;
}
void *memcpy(void *to, const void *from, size_t n) {
  volatile unsigned char *at = to;
  const unsigned char *source = from;
  while (n--) *at++ = *source++;
  return to;
}
