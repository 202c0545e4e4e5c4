"""The sentences about tests of residuals, in each language."""

TEXTS = {
    "en": {
        "breusch_pagan_yes": "The scatter of the residuals goes with the columns, which account for {share} % of "
        "the variance of their squares (p {p}): take standard errors that allow for it, fit.robust().",
        "breusch_pagan_slight": "The scatter of the residuals goes with the columns so slightly ({share} % of the "
        "variance of their squares, p {p}) that only {rows} rows show it: fit.robust() allows for it, and will "
        "hardly differ.",
        "breusch_pagan_no": "The scatter of the residuals is not seen to go with the columns (p {p}): classical "
        "standard errors may stand.",
        "white_yes": "The scatter of the residuals goes with the columns, their squares or their products, which "
        "account for {share} % of the variance of squared residuals (p {p}): take fit.robust().",
        "white_slight": "The scatter of the residuals goes with the columns, their squares or their products so "
        "slightly ({share} %, p {p}) that only {rows} rows show it: fit.robust() allows for it, and will hardly "
        "differ.",
        "white_no": "The scatter of the residuals is not seen to go with the columns, their squares or their "
        "products (p {p}): nothing asks for fit.robust().",
        "reset_yes": "Squares and cubes of the fitted values explain {share} % of what the columns leave over (p "
        "{p}): the relation bends, so try the log or a power of a column, or a product of two.",
        "reset_slight": "Squares and cubes of the fitted values explain so little of what the columns leave over "
        "({share} %, p {p}) that only {rows} rows show it: a power or a product of columns would add as little.",
        "reset_no": "No bend shows (p {p}): squares and cubes of the fitted values explain no more than chance "
        "would.",
        "durbin_watson_alike": "Neighbouring rows, in the order of {order}, have residuals that are alike (d {d}, "
        "correlation about {correlation}, p {p}): if this order means something, take fit.hac(), or a column that "
        "says what moves them together.",
        "durbin_watson_turns": "Neighbouring rows, in the order of {order}, have residuals that take turns (d {d}, "
        "correlation about {correlation}, p {p}): if this order means something, take fit.hac(), and look at how "
        "the rows were made.",
        "durbin_watson_no": "Neighbouring rows, in the order of {order}, are not seen to have related residuals (d "
        "{d}, p {p}): nothing asks for fit.hac().",
        "durbin_watson_few": "Neighbouring rows, in the order of {order}, have d {d}, but so few rows with these "
        "columns leave it no room to vary: there is no p-value, so add rows or take columns out.",
        "jarque_bera_yes": "The residuals are not normal (skewness {skewness}, kurtosis {kurtosis} where normal "
        "ones have 0 and 3, p {p}): {rows} rows are few for t, p and intervals without that, so look at the "
        "largest ones.",
        "jarque_bera_many": "The residuals are not normal (skewness {skewness}, kurtosis {kurtosis} where normal "
        "ones have 0 and 3, p {p}): with {rows} rows coefficients and their errors do not need it, prediction "
        "intervals do.",
        "jarque_bera_no": "The residuals are as skewed and long-tailed as normal ones may be (skewness {skewness}, "
        "kurtosis {kurtosis}, p {p}): t, p and intervals may stand.",
        "not_perfect": "Not tested, for nothing of {target} is left over.",
        "not_saturated": "Not tested, for {rows} rows leave it no degree of freedom: add rows or take columns out.",
        "not_constant": "Not tested, for the model has no column that varies.",
        "not_wide": "Not tested, for {products} products of columns are more than the {most} that it takes at "
        "most: test a fit of fewer columns, or take fit.robust() anyway.",
        "not_equal": "Not tested, for all residuals are of the same size: nothing in their scatter can be explained.",
        "not_determined": "Not tested, for the columns determine the powers of the fitted values, as those of one "
        "category do: no bend is left to look for.",
        "not_repeated": "Not tested, for frequency weights repeat rows and say nothing of who is beside whom: "
        "write the rows out.",
        "order": "the rows",
        "order_of": "{column}",
    },
    "ko": {
        "breusch_pagan_yes": "잔차의 흩어짐이 열에 따라 달라지며 열들이 잔차 제곱의 분산 중 {share} %를 설명한다(p "
        "{p}). 이를 감안하는 표준오차 fit.robust()를 쓴다.",
        "breusch_pagan_slight": "잔차의 흩어짐이 열에 따라 달라지지만 잔차 제곱의 분산 중 {share} %뿐이어서(p {p}) "
        "{rows}행이나 되므로 드러난 것이다. fit.robust()가 이를 감안하며 결과는 거의 같을 것이다.",
        "breusch_pagan_no": "잔차의 흩어짐이 열에 따라 달라진다는 증거가 없다(p {p}). 보통의 표준오차를 써도 된다.",
        "white_yes": "잔차의 흩어짐이 열이나 그 제곱, 곱에 따라 달라지며 이들이 잔차 제곱의 분산 중 {share} %를 "
        "설명한다(p {p}). fit.robust()를 쓴다.",
        "white_slight": "잔차의 흩어짐이 열이나 그 제곱, 곱에 따라 달라지지만 {share} %뿐이어서(p {p}) "
        "{rows}행이나 되므로 드러난 것이다. fit.robust()가 이를 감안하며 결과는 거의 같을 것이다.",
        "white_no": "잔차의 흩어짐이 열이나 그 제곱, 곱에 따라 달라진다는 증거가 없다(p {p}). fit.robust()가 "
        "필요하다는 근거가 없다.",
        "reset_yes": "적합값의 제곱과 세제곱이 열들이 남긴 것의 {share} %를 설명한다(p {p}). 관계가 휘어 있으므로 "
        "열의 로그나 거듭제곱, 두 열의 곱을 넣어 본다.",
        "reset_slight": "적합값의 제곱과 세제곱이 열들이 남긴 것의 {share} %만을 설명하며(p {p}) {rows}행이나 "
        "되므로 드러난 것이다. 거듭제곱이나 곱을 넣어도 그만큼만 나아진다.",
        "reset_no": "휘어진 흔적이 없다(p {p}). 적합값의 제곱과 세제곱은 우연만큼만 설명한다.",
        "durbin_watson_alike": "{order} 이웃한 행의 잔차가 서로 닮았다(d {d}, 상관 약 {correlation}, p {p}). 이 "
        "순서에 뜻이 있다면 fit.hac()를 쓰거나 함께 움직이게 하는 것을 열로 넣는다.",
        "durbin_watson_turns": "{order} 이웃한 행의 잔차가 번갈아 부호를 바꾼다(d {d}, 상관 약 {correlation}, p "
        "{p}). 이 순서에 뜻이 있다면 fit.hac()를 쓰고 행이 어떻게 만들어졌는지 살핀다.",
        "durbin_watson_no": "{order} 이웃한 행의 잔차가 관련되었다는 증거가 없다(d {d}, p {p}). fit.hac()가 "
        "필요하다는 근거가 없다.",
        "durbin_watson_few": "{order} 이웃한 행의 d는 {d}이지만 행이 적어 이 열들에서는 d가 달라질 수 없다. p값이 "
        "없으므로 행을 늘리거나 열을 줄인다.",
        "jarque_bera_yes": "잔차가 정규분포를 따르지 않는다(왜도 {skewness}, 첨도 {kurtosis}, 정규분포는 0과 3, p "
        "{p}). {rows}행은 그 없이 t, p, 구간을 믿기에 적으므로 가장 큰 잔차를 살핀다.",
        "jarque_bera_many": "잔차가 정규분포를 따르지 않는다(왜도 {skewness}, 첨도 {kurtosis}, 정규분포는 0과 3, p "
        "{p}). {rows}행이면 계수와 표준오차에는 필요 없으나 예측구간에는 필요하다.",
        "jarque_bera_no": "잔차의 치우침과 꼬리가 정규분포에서 나올 만하다(왜도 {skewness}, 첨도 {kurtosis}, p "
        "{p}). t, p, 구간을 그대로 써도 된다.",
        "not_perfect": "{target}에서 남는 것이 없어 검정하지 않았다.",
        "not_saturated": "{rows}행으로는 자유도가 남지 않아 검정하지 않았다. 행을 늘리거나 열을 줄인다.",
        "not_constant": "모형에 변하는 열이 없어 검정하지 않았다.",
        "not_wide": "열의 곱이 {products}개로 최대 {most}개보다 많아 검정하지 않았다. 열이 더 적은 적합을 "
        "검정하거나 그대로 fit.robust()를 쓴다.",
        "not_equal": "잔차의 크기가 모두 같아 검정하지 않았다. 흩어짐에 설명할 것이 없다.",
        "not_determined": "범주 하나의 열들처럼 열이 적합값의 거듭제곱을 결정하므로 검정하지 않았다. 찾을 휘어짐이 "
        "남아 있지 않다.",
        "not_repeated": "빈도 가중치는 행을 되풀이할 뿐 누가 이웃인지 말하지 않아 검정하지 않았다. 행을 풀어 쓴다.",
        "order": "행의 순서에서",
        "order_of": "{column} 순서에서",
    },
}
