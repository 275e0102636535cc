#pragma once

/// Compiles a function twice, for AVX2 and for the baseline, and picks at load time. AVX2 alone brings no
/// fused multiply-add, so both give the same bits. Sanitizers cannot run the resolver that
/// early; clang spells it differently and does well with the baseline.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(FCN_EDGE_SANITIZED)
#define FCN_EDGE_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define FCN_EDGE_WIDE
#endif
