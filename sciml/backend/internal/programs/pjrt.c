//go:build linux

#define _GNU_SOURCE
#include "pjrt.h"
#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *(*function)(void *);

// The table of a plug-in: functions are named by their number.
typedef struct {
  size_t struct_size;
  void *extension;
  size_t version_size;
  void *version_extension;
  int major, minor;
  function functions[];
} table;

enum { ERROR_DESTROY = 0, COMPILE = 20, EXECUTABLE_DESTROY = 40, SERIALIZE = 49, GET_EXECUTABLE = 51, DESERIALIZE = 56, KNOWN = 57 };

// The first version whose DeserializeAndLoad takes its arguments as below.
enum { OLDEST_MINOR = 70 };

static table *api;
static function compile_originally;

extern void *gosciml_compile(compile_args *args); // in Go

static void *compiling(void *args) { return gosciml_compile(args); }

const char *gosciml_interpose(const char *plugin) {
  if (dlopen(plugin, RTLD_LAZY | RTLD_NOLOAD)) return "it is open already";
  void *handle = dlopen(plugin, RTLD_LAZY | RTLD_LOCAL);
  if (!handle) return "it cannot be opened";
  table *(*get)(void) = (table * (*)(void)) dlsym(handle, "GetPjrtApi");
  if (!get) return "it is no PJRT plug-in";
  table *found = get();
  if (!found || found->struct_size < sizeof(table) + KNOWN * sizeof(function)) return "its table of functions is too short";
  if (found->major != 0 || found->minor < OLDEST_MINOR) return "its version of PJRT is another one";
  if (!found->functions[SERIALIZE] || !found->functions[DESERIALIZE] || !found->functions[GET_EXECUTABLE]) return "it cannot save programs";
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *begin = (char *)((uintptr_t)&found->functions[COMPILE] / page * page);
  char *end = (char *)&found->functions[COMPILE + 1];
  if (mprotect(begin, (size_t)(end - begin), PROT_READ | PROT_WRITE)) return "its table of functions cannot be changed";
  api = found;
  compile_originally = found->functions[COMPILE];
  found->functions[COMPILE] = compiling;
  return NULL;
}

void *gosciml_compile_originally(compile_args *args) { return compile_originally(args); }

void *gosciml_load(compile_args *args, const char *bytes, size_t size) {
  struct {
    size_t struct_size;
    void *extension, *client;
    const char *bytes;
    size_t size;
    void *loaded;
    const char *options;
    size_t options_size;
  } load;
  memset(&load, 0, sizeof load);
  load.struct_size = sizeof load;
  load.client = args->client;
  load.bytes = bytes;
  load.size = size;
  void *error = api->functions[DESERIALIZE](&load);
  if (!error) args->executable = load.loaded;
  return error;
}

void *gosciml_serialize(void *loaded, const char **bytes, size_t *size, void **handle, release *releasing) {
  struct {
    size_t struct_size;
    void *extension, *loaded, *executable;
  } get;
  memset(&get, 0, sizeof get);
  get.struct_size = sizeof get;
  get.loaded = loaded;
  void *error = api->functions[GET_EXECUTABLE](&get);
  if (error) return error;
  struct {
    size_t struct_size;
    void *extension, *executable;
    const char *bytes;
    size_t size;
    void *serialized;
    void (*release)(void *);
  } save;
  memset(&save, 0, sizeof save);
  save.struct_size = sizeof save;
  save.executable = get.executable;
  error = api->functions[SERIALIZE](&save);
  if (!error) {
    *bytes = save.bytes;
    *size = save.size;
    *handle = save.serialized;
    *releasing = save.release;
  }
  struct {
    size_t struct_size;
    void *extension, *executable;
  } destroy;
  memset(&destroy, 0, sizeof destroy);
  destroy.struct_size = sizeof destroy;
  destroy.executable = get.executable;
  gosciml_forget(api->functions[EXECUTABLE_DESTROY](&destroy));
  return error;
}

void gosciml_forget(void *error) {
  if (!error) return;
  struct {
    size_t struct_size;
    void *extension, *error;
  } destroy;
  memset(&destroy, 0, sizeof destroy);
  destroy.struct_size = sizeof destroy;
  destroy.error = error;
  api->functions[ERROR_DESTROY](&destroy);
}

void gosciml_release(release releasing, void *handle) {
  if (releasing) releasing(handle);
}
