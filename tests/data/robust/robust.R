# The values in robust.json: what R 4.2 with sandwich 3.0-2 and clubSandwich 0.5.8 says about the tables beside this file
# and in the folder above, and about two of statsmodels' (fair, randhie, copied here as CSV before the run).
#
#     Rscript robust.R > robust.json
suppressMessages({library(sandwich); library(clubSandwich)})

read <- function(name) read.csv(paste0(name, ".csv"), na.strings = c("NA", ""))
numbers <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
entry <- function(name, v) sprintf('    "%s": {"se": %s, "cov": %s}', name, numbers(sqrt(diag(v))), numbers(v))
first <- TRUE
case <- function(name, fit, ...) {
  kinds <- c("HC0", "HC1", "HC2", "HC3")
  found <- c(lapply(setNames(kinds, kinds), function(kind) vcovHC(fit, type = kind)), list(...))
  cat(if (first) "{\n" else ",\n", sprintf('  "%s": {\n', name), sep = "")
  first <<- FALSE
  cat(paste(mapply(entry, names(found), found), collapse = ",\n"), "\n  }", sep = "")
}
nw <- function(fit, lag, adjust = FALSE) NeweyWest(fit, lag = lag, prewhite = FALSE, adjust = adjust)

longley <- read("../longley")
fit <- lm(Employed ~ GNP.deflator + GNP + Unemployed + Armed.Forces + Population + Year, longley)
case("longley", fit, "HAC 2" = nw(fit, 2), "HAC 2 adjusted" = nw(fit, 2, TRUE), "HAC 0" = nw(fit, 0))
# R takes (X'X)⁻¹ and the middle apart, and loses twice the digits of the condition number; of columns about their
# means, which leaves every slope what it is, it loses few.
centred <- transform(as.data.frame(scale(longley, scale = FALSE)), Employed = longley$Employed)
fit <- lm(Employed ~ GNP.deflator + GNP + Unemployed + Armed.Forces + Population + Year, centred)
case("longley centred", fit, "HAC 2" = nw(fit, 2), "HAC 2 adjusted" = nw(fit, 2, TRUE), "HAC 0" = nw(fit, 0))

mtcars <- read("../mtcars")
fit <- lm(mpg ~ wt + hp + factor(cyl), mtcars)
case("mtcars", fit,
  "CR0 gear" = vcovCL(fit, ~gear, type = "HC0", cadj = FALSE), "CR1 gear" = vcovCL(fit, ~gear, type = "HC1"),
  "CR2 carb" = as.matrix(vcovCR(fit, mtcars$carb, "CR2")))
fit <- lm(mpg ~ wt + hp, mtcars, weights = qsec)
# Weighted rows are rows times the root of their weight; of weights themselves clubSandwich takes another square root.
scaled <- lm(mpg ~ 0 + one + wt + hp, sqrt(mtcars$qsec) * cbind(mtcars[c("mpg", "wt", "hp")], one = 1))
case("mtcars weighted", fit,
  "CR1 gear" = vcovCL(fit, ~gear, type = "HC1"), "HAC 3" = nw(fit, 3),
  "CR2 carb" = as.matrix(vcovCR(scaled, mtcars$carb, "CR2")))
case("mtcars origin", lm(mpg ~ 0 + wt + hp, mtcars))

duncan <- read("../duncan")
fit <- lm(prestige ~ income + education + type, duncan)
case("duncan", fit, "CR1 type" = vcovCL(fit, ~type, type = "HC1"))

prestige <- read("../prestige")
case("prestige", lm(prestige ~ education + log(income) + women + type, prestige))

grunfeld <- read("grunfeld")
fit <- lm(invest ~ value + capital, grunfeld)
case("grunfeld", fit,
  "CR0 firm" = vcovCL(fit, ~firm, type = "HC0", cadj = FALSE), "CR1 firm" = vcovCL(fit, ~firm, type = "HC1"),
  "CR2 firm" = as.matrix(vcovCR(fit, grunfeld$firm, "CR2")),
  "CR1 firm year" = vcovCL(fit, ~firm + year, type = "HC1"), "HAC 4" = nw(fit, 4))

penguins <- read("../../../examples/penguins")
fit <- lm(body_mass_g ~ flipper_length_mm + bill_length_mm + species, penguins)
case("penguins", fit,
  "CR1 island" = vcovCL(fit, ~island, type = "HC1"), "CR1 island year" = vcovCL(fit, ~island + year, type = "HC1"))

petersen <- read("petersen")
fit <- lm(y ~ x, petersen)
case("petersen", fit,
  "CR1 firm" = vcovCL(fit, ~firm, type = "HC1"), "CR2 firm" = as.matrix(vcovCR(fit, petersen$firm, "CR2")),
  "CR1 firm year" = vcovCL(fit, ~firm + year, type = "HC1"))

fair <- read("fair")
fit <- lm(affairs ~ rate_marriage + age + yrs_married + children + religious + educ, fair)
case("fair", fit,
  "CR1 occupation" = vcovCL(fit, ~occupation, type = "HC1"),
  "CR1 occupation occupation_husb" = vcovCL(fit, ~occupation + occupation_husb, type = "HC1"))

randhie <- read("randhie")
fit <- lm(mdvis ~ lncoins + idp + lpi + fmde + physlm + disea + hlthg + hlthf + hlthp, randhie)
case("randhie", fit, "CR1 disea" = vcovCL(fit, ~disea, type = "HC1"), "HAC 12" = nw(fit, 12))
cat("\n}\n")
