"""The sentences of `Fit.explain`, in each language."""

TEXTS = {
    "en": {
        "slope": "One unit more of {column} goes with {slope} of {target} on average ({level} % interval {low} to "
        "{high}).",
        "slope_beside": "One unit more of {column}, the other columns being the same, goes with {slope} of {target} "
        "on average ({level} % interval {low} to {high}); no slope stands out more from its standard error.",
        "slope_bare": "One unit more of {column} goes with {slope} of {target} in this fit.",
        "together": "No column stands for itself: powers, products and levels are read together.",
        "mean": "The model has no slopes: it says the mean of {target}.",
        "penalised": "The penalty draws coefficients towards 0 on purpose, so they are no estimates of effects.",
        "scatter": "The columns account for {share} % of the variance of {target}, and rows lie about {sigma} off.",
        "perfect": "Nothing of {target} is left over.",
        "exact_x": "This takes {column} as recorded without error: an error of standard deviation s in it would "
        "shrink the slope by the factor 1 - (s / {spread})², {spread} being how much {column} varies{beside}.",
        "matters_from": "It begins to matter at s = {matters}, which takes one standard error ({share} %); "
        "gl.fit(…, x_error=s) corrects for it.",
        "noise_in_y": "Noise that reaches only {target} does not shrink a slope, not even where it is written beside "
        "x, as in y = 2(x + noise) + 3 with x recorded before the noise: it is in the residuals.",
        "corrected": "Least squares gives {naive} for {column}, since {error} % of what it varies by{beside} is "
        "error (standard deviation {sd}): its reliability is {reliability}.",
        "corrected_to": "Corrected for that, one unit more of {column} without error goes with {slope} of {target} "
        "({level} % interval {low} to {high}).",
        "little": "The correction is {times} standard errors: it hardly matters here.",
        "much": "The correction is {times} standard errors: it matters.",
        "known": "The given standard deviation is taken as exactly right, and standard errors hold for normal errors "
        "and many rows.",
        "ratio": "The given ratio is taken as exactly right and all scatter about the line as errors of measurement; "
        "scatter with any other cause would make the slope too steep.",
        "too_much": "The errors in x alone would scatter {target} more than it does, so they may be given too large.",
        "predict": "predict() takes x without error; for {target} from x as recorded, the plain fit is best.",
        "beside": " beside the other columns",
    },
    "ko": {
        "slope": "{column} 값이 1 커지면 {target} 값은 평균 {slope}만큼 변한다({level} % 신뢰구간 {low} … {high}).",
        "slope_beside": "다른 열이 같을 때 {column} 값이 1 커지면 {target} 값은 평균 {slope}만큼 변하며({level} % "
        "신뢰구간 {low} … {high}), 표준오차에 견주어 가장 뚜렷한 기울기이다.",
        "slope_bare": "이 적합에서 {column} 값이 1 커지면 {target} 값은 {slope}만큼 변한다.",
        "together": "거듭제곱, 곱, 범주의 수준은 함께 읽어야 하며 홀로 뜻을 갖는 열이 없다.",
        "mean": "기울기가 없는 모형이어서 {target}의 평균만 말한다.",
        "penalised": "벌점이 계수를 일부러 0 쪽으로 당기므로 계수는 효과의 추정값이 아니다.",
        "scatter": "{target} 분산의 {share} %를 열들이 설명하며, 잔차의 크기는 {sigma} 정도이다.",
        "perfect": "{target}에서 설명되지 않고 남는 것이 없다.",
        "exact_x": "이것은 {column} 값이 오차 없이 기록되었다고 본 것으로, 표준편차 s인 오차가 있다면 기울기는 "
        "1 - (s / {spread})² 배로 줄어든다({spread}: {beside}{column} 값이 변하는 크기).",
        "matters_from": "s = {matters}이면 기울기가 표준오차 하나({share} %)만큼 줄어 이때부터 문제가 되며, "
        "gl.fit(…, x_error=s)로 바로잡는다.",
        "noise_in_y": "{target}에만 들어간 노이즈는 기울기를 줄이지 않으며, y = 2(x + 노이즈) + 3처럼 x 옆에 "
        "쓰더라도 노이즈 이전의 x가 기록되었다면 마찬가지로 잔차에만 남는다.",
        "corrected": "{column} 값이 {beside}변하는 크기의 {error} %가 오차(표준편차 {sd})여서 최소제곱 기울기는 "
        "{naive}이고, 신뢰도(reliability)는 {reliability}이다.",
        "corrected_to": "이를 바로잡으면 오차 없는 {column} 값이 1 커질 때 {target} 값은 {slope}만큼 변한다({level} "
        "% 신뢰구간 {low} … {high}).",
        "little": "바로잡은 양은 표준오차의 {times}배로, 여기서는 거의 문제가 되지 않는다.",
        "much": "바로잡은 양은 표준오차의 {times}배로, 무시할 수 없다.",
        "known": "주어진 표준편차를 정확하다고 보며, 표준오차는 오차가 정규분포를 따르고 행이 많을 때 맞는다.",
        "ratio": "주어진 비를 정확하다고 보고 직선 둘레의 흩어짐을 모두 측정 오차로 보므로, 다른 원인의 흩어짐이 "
        "있다면 기울기가 너무 가팔라진다.",
        "too_much": "x의 오차만으로도 {target} 값이 실제보다 더 흩어져야 하므로 주어진 오차가 너무 클 수 있다.",
        "predict": "predict()는 오차 없는 x를 받으며, 기록된 x에서 {target} 값을 예측하려면 x_error 없는 "
        "적합이 낫다.",
        "beside": "다른 열을 감안하고 ",
    },
}
