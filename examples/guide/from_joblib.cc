// The program of docs/from_joblib.md.
#include <iostream>
#include <string>
#include <vector>

#include "sdk/troupe.h"

struct Model {
  double slope = 0;
  double offset = 0;
};

double Score(const Model& model, double x) { return model.slope * x + model.offset; }

int main() {
  troupe::Cluster cluster = troupe::Init();
  const Model model{2, 1};
  const std::vector<double> xs = {1, 2, 3};

  std::vector<double> results = troupe::Map(troupe::Bind(Score, model), xs).ToVector();

  std::string blob = troupe::Pack(model);
  Model copy = troupe::Unpack<Model>(blob);

  std::cout << "the last score is " << results.back() << ", the copy's offset " << copy.offset
            << "\n";
}
