#include <stdio.h>
#include "shapes.h"
int main(void) { printf("%.3f %.1f %.1f\n", circle(2), square(3), cube(2)); return 0; }
