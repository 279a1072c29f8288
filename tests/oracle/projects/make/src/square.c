#include "shapes.h"
double square(double side) { return side * side; }
