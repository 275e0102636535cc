// Linked into every program and test of a sanitizer build: what the sanitizers report about libraries that
// come compiled without them. Nothing of ours is listed here, and each line has its reason.

#include <cstdlib>

// OpenVINO's TBB would load a library with RTLD_DEEPBIND, which the sanitizers end the process for.
__attribute__((constructor)) static void tell_tbb() { setenv("TBB_ENABLE_SANITIZERS", "1", 0); }

extern "C" {

const char* __lsan_default_suppressions();
const char* __tsan_default_suppressions();

// Registries and thread pools that live until the process ends, whose owners never free them.
const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): the sanitizer's own name
  return "leak:libopenvino\n"
         "leak:libtbb\n"
         "leak:libopencv\n";
}

// ThreadSanitizer does not see the atomics of a library that was compiled without it, so that queues built on
// them look like races: the intercepted memcpy, malloc and free on their two sides are reported.
const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): as above
  return "race:libopenvino\n"
         "race:libtbb\n"
         "race:libopencv\n"
         "race:libavcodec\n"  // pictures handed over between decoding threads
         "race:libavutil\n"
         "deadlock:libgdal\n";  // its own locks, taken in two orders while OpenCV's imgcodecs loads it
}

}  // extern "C"
