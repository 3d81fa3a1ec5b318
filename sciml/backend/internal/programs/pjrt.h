// The part of PJRT's C interface (openxla/xla, pjrt_c_api.h, version 0) that compiles, saves and loads programs. Its tables only
// ever grow at the end, so that places and sizes stay what they are.
#ifndef GOSCIML_PJRT_H
#define GOSCIML_PJRT_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
  size_t struct_size;
  void *extension;
  void *client;
  struct {
    size_t struct_size;
    void *extension;
    char *code;
    size_t code_size;
    const char *format;
    size_t format_size;
  } const *program;
  const char *options;
  size_t options_size;
  void *executable; // out
} compile_args;

// interpose puts gosciml_compile before the plug-in's own function; it returns what is wrong, or NULL.
const char *gosciml_interpose(const char *plugin);
typedef void (*release)(void *);
// The functions of the plug-in that was interposed. Errors are PJRT's.
void *gosciml_compile_originally(compile_args *args);
void *gosciml_load(compile_args *args, const char *bytes, size_t size);
void *gosciml_serialize(void *loaded, const char **bytes, size_t *size, void **handle, release *releasing);
void gosciml_forget(void *error);
void gosciml_release(release releasing, void *handle);
#endif
