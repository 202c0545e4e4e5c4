# Tests of hypotheses, analyses of variance and variance inflation by R and its package car, for tests that read
# car.csv and need no R. Run in this folder with Debian's r-base-core and r-cran-car: Rscript car.R
#
# longley and mtcars come with R (package datasets), Duncan and Prestige with car (package carData).

suppressMessages(library(car))

keep <- function(table, file) write.csv(table, file, row.names = FALSE, quote = FALSE, na = "")
keep(longley, "longley.csv")
keep(mtcars, "mtcars.csv")
keep(Duncan, "duncan.csv")
keep(Prestige, "prestige.csv")

rows <- character()
say <- function(what, name, value)
  rows <<- c(rows, sprintf('%s,"%s",%.17g', what, name, value))

wald <- function(what, fit, ...) {
  found <- linearHypothesis(fit, c(...))
  say(what, "df_num", found[2, "Df"])
  say(what, "df_denom", found[2, "Res.Df"])
  say(what, "statistic", found[2, "F"])
  say(what, "p", found[2, "Pr(>F)"])
  value <- attr(found, "value")
  vcov <- attr(found, "vcov")
  for (row in seq_len(nrow(value))) {
    say(what, paste("difference", row), value[row])
    say(what, paste("std_error", row), sqrt(vcov[row, row]))
  }
}
table <- function(what, found) {
  ss <- grep("Sum", names(found), value = TRUE)
  for (row in rownames(found)) {
    say(what, paste(row, "df"), found[row, "Df"])
    say(what, paste(row, "sum_sq"), found[row, ss])
    if (row != "Residuals") {
      say(what, paste(row, "F"), found[row, grep("^F", names(found))])
      say(what, paste(row, "p"), found[row, "Pr(>F)"])
    }
  }
}
compared <- function(what, ...) {
  found <- anova(...)
  for (row in seq_len(nrow(found))) {
    say(what, paste(row, "df_resid"), found[row, "Res.Df"])
    say(what, paste(row, "rss"), found[row, "RSS"])
    if (row > 1) for (name in c("Df", "Sum of Sq", "F", "Pr(>F)")) say(what, paste(row, name), found[row, name])
  }
}
inflation <- function(what, fit) {
  found <- vif(fit)
  if (is.matrix(found)) for (term in rownames(found)) {
    say(what, paste(term, "vif"), found[term, "GVIF"])
    say(what, paste(term, "df"), found[term, "Df"])
    say(what, paste(term, "scaled"), found[term, 3])
  } else for (term in names(found)) say(what, paste(term, "vif"), found[term])
}

employed <- lm(Employed ~ ., longley)
wald("longley one", employed, "GNP = 0")
wald("longley two", employed, "GNP.deflator = 0", "2*Unemployed - Armed.Forces = 0.01")
wald("longley slopes", employed, names(coef(employed))[-1])
inflation("longley vif", employed)
table("longley sequential", anova(employed))
compared("longley nested", lm(Employed ~ GNP + Year, longley), lm(Employed ~ GNP + Year + Unemployed, longley), employed)

mpg <- lm(mpg ~ wt + hp + factor(cyl), mtcars)
wald("mtcars levels", mpg, "factor(cyl)6 = factor(cyl)8")
wald("mtcars all levels", mpg, "factor(cyl)6 = 0", "factor(cyl)8 = 0")
wald("mtcars weighted", lm(mpg ~ wt + hp, mtcars, weights = qsec), "wt = 100*hp", "(Intercept) = 37")
inflation("mtcars vif", mpg)
table("mtcars sequential", anova(mpg))
table("mtcars two", Anova(mpg))
table("mtcars interaction two", Anova(lm(mpg ~ wt * factor(cyl) + hp, mtcars)))

prestige <- lm(prestige ~ income + education, Duncan)
wald("duncan equal", prestige, "income = education")
wald("duncan sum", prestige, "income + education = 1.2", "(Intercept) = -5")
inflation("duncan vif", lm(prestige ~ income * type + education, Duncan))
compared("duncan nested", prestige, lm(prestige ~ income + education + type, Duncan))
table("duncan two", Anova(lm(prestige ~ income * type + education, Duncan)))

known <- Prestige[!is.na(Prestige$type), ]
ladder <- lm(prestige ~ log(income) + education + women + type, known)
wald("prestige levels", ladder, "typeprof = typewc", "women = 0")
inflation("prestige vif", ladder)
table("prestige sequential", anova(ladder))
compared("prestige nested", lm(prestige ~ education + women, known), ladder)

writeLines(c("what,name,value", rows), "car.csv")
