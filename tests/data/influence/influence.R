# The values in influence.json: what R 4.2 (stats::influence.measures and its parts) says of the rows of the models of
# ../models.R.
#
#     Rscript influence.R > influence.json
source("../models.R")
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
  entry(name, found)
}

case("longley", lm(Employed ~ GNP.deflator + GNP + Unemployed + Armed.Forces + Population + Year, longley))
beyond_longley(case)
