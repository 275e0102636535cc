#include "library/allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace fcn_edge::test {
namespace {

thread_local long count = 0;

}  // namespace

long allocations() { return count; }

}  // namespace fcn_edge::test

// Replacing operator new catches every container; sanitizers replace it themselves.
#ifndef FCN_EDGE_SANITIZED
void* operator new(std::size_t size) {
  ++fcn_edge::test::count;
  void* memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
#endif
