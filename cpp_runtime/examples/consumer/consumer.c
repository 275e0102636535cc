/* The same in C: consumer_c BUNDLE FRAME.bgr WIDTH HEIGHT MASK.bin */

#include <fcn_edge/fcn_edge.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int width = atoi(argv[3]);
  const int height = atoi(argv[4]);
  const size_t size = (size_t)3 * (size_t)width * (size_t)height;
  uint8_t* pixels = malloc(size);
  FILE* file = fopen(argv[2], "rb");
  if (pixels == NULL || file == NULL || fread(pixels, 1, size, file) != size) return 1;
  fclose(file);

  fcn_edge_segmenter* segmenter = NULL;
  if (fcn_edge_open(argv[1], NULL, &segmenter) != FCN_EDGE_OK) {
    fprintf(stderr, "consumer_c: %s\n", fcn_edge_last_error());
    return 1;
  }
  const size_t area = (size_t)fcn_edge_mask_width(segmenter) * (size_t)fcn_edge_mask_height(segmenter);
  uint8_t* mask = malloc(area);
  if (fcn_edge_run(segmenter, pixels, width, height, 0, mask) != FCN_EDGE_OK) return 1;
  file = fopen(argv[5], "wb");
  if (file == NULL || fwrite(mask, 1, area, file) != area || fclose(file) != 0) return 1;
  fcn_edge_close(segmenter);
  free(mask);
  free(pixels);
  return 0;
}
