#ifndef FCN_EDGE_FCN_EDGE_H
#define FCN_EDGE_FCN_EDGE_H

/* The library for C and for languages that bind to C.
 *
 *     fcn_edge_segmenter* segmenter = NULL;
 *     if (fcn_edge_open("road.fcne", NULL, &segmenter) != FCN_EDGE_OK) {
 *       fprintf(stderr, "%s\n", fcn_edge_last_error());
 *     }
 *     uint8_t* mask = malloc(fcn_edge_mask_width(segmenter) * fcn_edge_mask_height(segmenter));
 *     fcn_edge_run(segmenter, pixels, width, height, stride, mask);
 *     fcn_edge_close(segmenter);
 *
 * One thread at a time may use a segmenter; different segmenters are independent. */

/* NOLINTBEGIN(modernize-deprecated-headers): this is a C header */
#include <stddef.h>
#include <stdint.h>
/* NOLINTEND(modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

#define FCN_EDGE_C_API __attribute__((visibility("default")))

typedef struct fcn_edge_segmenter fcn_edge_segmenter;

/* Why a call failed; the same reasons as fcn_edge::ErrorCode, plus internal ones. */
typedef enum fcn_edge_status {
  FCN_EDGE_OK = 0,
  FCN_EDGE_MISUSE = 1,    /* the call contradicts itself */
  FCN_EDGE_BUNDLE = 2,    /* not a bundle, or one this version cannot read */
  FCN_EDGE_TAMPERED = 3,  /* a file of the bundle is missing or changed */
  FCN_EDGE_UNGATED = 4,   /* the bundle did not pass its accuracy gate */
  FCN_EDGE_SELFTEST = 5,  /* this machine does not reproduce the golden masks */
  FCN_EDGE_BACKEND = 6,   /* the engine is not installed or cannot load the model */
  FCN_EDGE_INFERENCE = 7, /* the engine failed on a frame */
  FCN_EDGE_IO = 8,        /* a file could not be read or written */
  FCN_EDGE_INTERNAL = 9   /* out of memory, or a defect in the library */
} fcn_edge_status;

/* Zero-initialise; every zero means the default. */
typedef struct fcn_edge_options {
  int threads;           /* engine threads; 0: the engine's choice */
  int allow_ungated;     /* non-zero: open bundles that did not pass their gate */
  int skip_selftest;     /* non-zero: do not run the golden frames */
  const char* cache_dir; /* folder for compiled engines; NULL: as the command line chooses */
} fcn_edge_options;

/* Open a bundle folder; options may be NULL. On success *out owns the segmenter until fcn_edge_close. */
FCN_EDGE_C_API fcn_edge_status fcn_edge_open(const char* bundle, const fcn_edge_options* options,
                                             fcn_edge_segmenter** out);

/* Free it; NULL is allowed. */
FCN_EDGE_C_API void fcn_edge_close(fcn_edge_segmenter* segmenter);

/* Segment one frame of 8-bit B,G,R rows `stride` bytes apart (0: packed). Writes mask_width * mask_height
 * class ids, packed rows, into `mask`. */
FCN_EDGE_C_API fcn_edge_status fcn_edge_run(fcn_edge_segmenter* segmenter, const uint8_t* pixels, int width,
                                            int height, ptrdiff_t stride, uint8_t* mask);

FCN_EDGE_C_API int fcn_edge_mask_width(const fcn_edge_segmenter* segmenter);
FCN_EDGE_C_API int fcn_edge_mask_height(const fcn_edge_segmenter* segmenter);
FCN_EDGE_C_API int fcn_edge_class_count(const fcn_edge_segmenter* segmenter);

/* Name of a class, valid as long as the segmenter; NULL for an id that does not exist. */
FCN_EDGE_C_API const char* fcn_edge_class_name(const fcn_edge_segmenter* segmenter, int id);

/* How far the last frames are from those the bundle was calibrated on, and the score that a stream of such
 * scenes stays under; the threshold is 0 for a bundle that cannot tell (docs/drift.md). */
FCN_EDGE_C_API double fcn_edge_drift_score(const fcn_edge_segmenter* segmenter);
FCN_EDGE_C_API double fcn_edge_drift_threshold(const fcn_edge_segmenter* segmenter);

/* The sentence of this thread's last failed call; empty when none failed. Valid until its next call. */
FCN_EDGE_C_API const char* fcn_edge_last_error(void);

/* Version of the library, e.g. "0.1.0". */
FCN_EDGE_C_API const char* fcn_edge_version(void);

#ifdef __cplusplus
}
#endif

#endif
