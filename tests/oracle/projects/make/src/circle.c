#include <math.h>
#include "shapes.h"
double circle(double radius) { return acos(-1.0) * radius * radius; }
