# The values in diagnostics.json: what R 4.2 with lmtest 0.9-40 and car 3.1-1 says of the residuals of the models of
# ../models.R.
#
#     Rscript diagnostics.R > diagnostics.json
suppressMessages({library(lmtest); library(car)})

source("../models.R")
pf_ <- function(f, df1, df2) c(f, df1, df2, pf(f, df1, df2, lower.tail = FALSE))

# n·R² of squares on columns, χ², and F: each with degrees of freedom and p. R's rank is that of its QR.
regressed <- function(squares, columns) {
  fit <- lm.fit(cbind(1, columns), squares)
  n <- length(squares); df <- fit$rank - 1; left <- n - fit$rank
  if (left == 0) return(rep(NA, 7))
  rss <- sum(fit$residuals^2); tss <- sum((squares - mean(squares))^2)
  lm <- n * (1 - rss / tss)
  c(lm, df, pchisq(lm, df, lower.tail = FALSE), pf_((tss - rss) / df / (rss / left), df, left))
}
products <- function(x) {
  x <- cbind(1, x)
  do.call(cbind, lapply(seq_len(ncol(x)), function(i) x[, i] * x[, i:ncol(x)]))[, -1, drop = FALSE]
}
jb <- function(e) {
  m <- function(k) mean((e - mean(e))^k)
  skewness <- m(3) / m(2)^1.5; kurtosis <- m(4) / m(2)^2
  statistic <- length(e) / 6 * (skewness^2 + (kurtosis - 3)^2 / 4)
  c(statistic, 2, pchisq(statistic, 2, lower.tail = FALSE), skewness, kurtosis)
}

case <- function(name, fit) {
  w <- weights(fit); x <- model.matrix(fit); y <- model.response(model.frame(fit))
  slopes <- scale(x[, colnames(x) != "(Intercept)", drop = FALSE])  # about their means R keeps more digits
  root <- if (is.null(w)) 1 else sqrt(w)
  e <- root * residuals(fit)
  bp <- regressed(e^2, slopes)
  if (is.null(w)) {  # of a weighted fit lmtest's tests are of something else, or refused
    origin <- attr(terms(fit), "intercept") == 0
    known <- if (origin) bptest(fit, ~ slopes) else bptest(fit)
    stopifnot(all.equal(bp[1:3], unname(c(known$statistic, known$parameter, known$p.value)), tolerance = 1e-7))
    known <- resettest(fit, power = 2:3, type = "fitted")
    reset <- unname(c(known$statistic, known$parameter, known$p.value))
  } else {
    z <- scale(fitted(fit))
    large <- lm(y ~ 0 + x + I(z^2) + I(z^3), weights = w)
    known <- anova(lm(y ~ 0 + x, weights = w), large)
    reset <- c(known$F[2], known$Df[2], known$Res.Df[2], known$`Pr(>F)`[2])
  }
  turned <- lm(I(root * y) ~ 0 + I(root * x))
  known <- dwtest(turned, alternative = "two.sided", exact = FALSE)
  stopifnot(all.equal(unname(known$statistic), durbinWatsonTest(as.vector(e)), tolerance = 1e-9))
  found <- list(breusch_pagan = bp, white = regressed(e^2, products(slopes)), reset = reset,
                durbin_watson = unname(c(known$statistic, known$p.value)), jarque_bera = jb(e))
  entry(name, found)
}

about <- as.data.frame(scale(longley))  # units and origins change no test, but R keeps more digits so
case("longley", lm(Employed ~ GNP.deflator + GNP + Unemployed + Armed.Forces + Population + Year, about))
case("longley short", lm(Employed ~ GNP + Unemployed + Armed.Forces, about))
beyond_longley(case)
