# The values in glmnet.csv: coefficients that R's glmnet gives for examples/penguins.csv.
#   Rscript tests/data/glmnet.R > tests/data/glmnet.csv        (R 4.2.2, glmnet 4.1-6)
suppressMessages(library(glmnet))
penguins <- read.csv("examples/penguins.csv", na.strings = c("", "NA"))
features <- c("flipper_length_mm", "bill_length_mm", "bill_depth_mm")
penguins <- na.omit(penguins[, c(features, "body_mass_g")])
x <- as.matrix(penguins[, features])
cat("lambda,alpha,standardize,Intercept,", paste(features, collapse = ","), "\n", sep = "")
for (standardize in c(TRUE, FALSE)) for (alpha in c(0, 0.3, 1)) for (lambda in c(20, 300)) {
  fit <- glmnet(x, penguins$body_mass_g, alpha = alpha, lambda = lambda, standardize = standardize,
                thresh = 1e-28, maxit = 1e8)
  cat(lambda, alpha, standardize, sprintf("%.17g", as.vector(coef(fit))), sep = ",")
  cat("\n")
}
