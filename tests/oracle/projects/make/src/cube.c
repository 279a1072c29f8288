#include "shapes.h"
double cube(double side) { return square(side) * side; }
