double circle(double radius);
double square(double side);
double cube(double side);
