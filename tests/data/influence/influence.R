# The values in influence.json: what R 4.2 (stats::influence.measures and its parts) says of the rows of the tables in the
# folders above, and of two of statsmodels' (fair, randhie, copied here as CSV before the run).
#
#     Rscript influence.R > influence.json
read <- function(name) read.csv(paste0(name, ".csv"), na.strings = c("NA", ""))
numbers <- function(x) paste0("[", paste(ifelse(is.finite(x), sprintf("%.17g", x), "null"), collapse = ", "), "]")
first <- TRUE
case <- function(name, fit) {
  hat <- hatvalues(fit)
  shown <- unique(round(seq(1, length(hat), length.out = min(length(hat), 40)))) # so many rows, evenly
  found <- list(
    leverage = hat, standardized = rstandard(fit), studentized = rstudent(fit),
    cooks_distance = cooks.distance(fit), dffits = dffits(fit)
  )
  changes <- dfbetas(fit)
  for (column in seq_len(ncol(changes))) found[[paste0("dfbetas ", column - 1)]] <- changes[, column]
  found <- lapply(found, function(values) values[shown])
  found <- c(list(row = as.integer(names(hat))[shown] - 1), found)
  cat(if (first) "{\n" else ",\n", sprintf('  "%s": {\n', name), sep = "")
  first <<- FALSE
  cat(paste(sprintf('    "%s": %s', names(found), lapply(found, numbers)), collapse = ",\n"), "\n  }", sep = "")
}

longley <- read("../longley")
case("longley", lm(Employed ~ GNP.deflator + GNP + Unemployed + Armed.Forces + Population + Year, longley))
mtcars <- read("../mtcars")
case("mtcars", lm(mpg ~ wt + hp + factor(cyl), mtcars))
case("mtcars weighted", lm(mpg ~ wt + hp, mtcars, weights = qsec))
case("mtcars origin", lm(mpg ~ 0 + wt + hp, mtcars))
case("duncan", lm(prestige ~ income + education + type, read("../duncan")))
case("prestige", lm(prestige ~ education + log(income) + women + type, read("../prestige")))
case("grunfeld", lm(invest ~ value + capital, read("../robust/grunfeld")))
penguins <- read("../../../examples/penguins")
case("penguins", lm(body_mass_g ~ flipper_length_mm + bill_length_mm + species, penguins))
case("petersen", lm(y ~ x, read("../robust/petersen")))
case("fair", lm(affairs ~ rate_marriage + age + yrs_married + children + religious + educ, read("fair")))
case("randhie",
  lm(mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp, read("randhie")))
cat("\n}\n")
