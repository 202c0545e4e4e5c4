# The tables and models that R was asked about, for diagnostics.R and influence.R; those of robust.R have more to each.
# `fair` and `randhie` are statsmodels', copied as CSV to where R runs.
read <- function(name) read.csv(paste0(name, ".csv"), na.strings = c("NA", ""))
numbers <- function(x) paste0("[", paste(ifelse(is.finite(x), sprintf("%.17g", x), "null"), collapse = ", "), "]")

first <- TRUE
entry <- function(name, found) { # one more of the JSON file's entries: lists of numbers by name
  cat(if (first) "{\n" else ",\n", sprintf('  "%s": {\n', name), sep = "")
  first <<- FALSE
  cat(paste(sprintf('    "%s": %s', names(found), lapply(found, numbers)), collapse = ",\n"), "\n  }", sep = "")
}

longley <- read("../longley")
beyond_longley <- function(case) {
  mtcars <- read("../mtcars")
  case("mtcars", lm(mpg ~ wt + hp + factor(cyl), mtcars))
  case("mtcars weighted", lm(mpg ~ wt + hp, mtcars, weights = qsec))
  case("mtcars origin", lm(mpg ~ 0 + wt + hp, mtcars))
  case("duncan", lm(prestige ~ income + education + type, read("../duncan")))
  case("prestige", lm(prestige ~ education + log(income) + women + type, read("../prestige")))
  case("grunfeld", lm(invest ~ value + capital, read("../robust/grunfeld")))
  case("penguins",
    lm(body_mass_g ~ flipper_length_mm + bill_length_mm + species, read("../../../examples/penguins")))
  case("petersen", lm(y ~ x, read("../robust/petersen")))
  case("fair", lm(affairs ~ rate_marriage + age + yrs_married + children + religious + educ, read("fair")))
  case("randhie",
    lm(mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp, read("randhie")))
  cat("\n}\n")
}
