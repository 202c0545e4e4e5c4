// The seven lessons in English and Korean side by side; every number in the explanations is computed.

export const LESSON_WORDS = {
  check: ["Check my prediction", "예측 확인"],
  next_lesson: ["Next lesson", "다음 수업"],
  leave_lesson: ["Leave the lesson", "수업 나가기"],
  right: ["Yes.", "맞습니다."],
  wrong: ["Not quite.", "아닙니다."],

  notebook_title: ["The notebook's run", "노트북의 학습"],
  notebook_story: [
    "{n} points of y = {slope}x + {intercept}, nn.Linear(1, 1), lr {lr}, {epochs} epochs. Press Line a few times and watch which values each line changes; then Play.",
    "y = {slope}x + {intercept} 위의 점 {n}개, nn.Linear(1, 1), lr {lr}, {epochs} 에포크입니다. '한 줄'을 몇 번 눌러 각 줄이 어떤 값을 바꾸는지 본 뒤 재생하세요.",
  ],
  notebook_question: ["At the end, which parameter is closer to the exact answer?", "끝났을 때 어느 파라미터가 정확한 해에 더 가까울까요?"],
  notebook_answer0: ["w", "w"],
  notebook_answer1: ["b", "b"],
  notebook_answer2: ["about the same", "비슷하다"],
  notebook_why: [
    "After {steps} steps w is {w} away and b is {b}. The loss is steep along w and flat along b, and one learning rate has to serve both.",
    "{steps} 스텝 뒤 w는 {w}, b는 {b}만큼 떨어져 있습니다. 손실은 w 방향으로 가파르고 b 방향으로 완만한데, 학습률은 하나뿐입니다.",
  ],

  rates_title: ["Too small, right, too big", "너무 작게, 알맞게, 너무 크게"],
  rates_story: [
    "The coloured bar under the learning rate shows where training is smooth, where it zigzags and where it diverges. Move the rate and see the whole path change.",
    "학습률 아래의 색 띠는 매끄러운 곳, 지그재그인 곳, 발산하는 곳을 보여 줍니다. 학습률을 움직이며 경로가 어떻게 바뀌는지 보세요.",
  ],
  rates_question: ["Which of these rates blows up?", "다음 중 어떤 학습률에서 발산할까요?"],
  rates_answer0: ["a thirtieth of the limit", "한계의 30분의 1"],
  rates_answer1: ["just below the limit", "한계 바로 아래"],
  rates_answer2: ["just above the limit", "한계 바로 위"],
  rates_why: [
    "The limit of these points is {limit}, 2 divided by the steepest curvature. {low} crawls, {near} zigzags and arrives, {over} grows for ever: the border is sharp.",
    "이 점들의 한계는 {limit}, 곧 2 나누기 가장 큰 곡률입니다. {low}는 기어가고, {near}는 지그재그로 도착하고, {over}는 끝없이 커집니다. 경계는 날카롭습니다.",
  ],

  slow_title: ["Why b is slow", "b가 느린 까닭"],
  slow_story: [
    "Now x runs from {low} to {high}, so its mean is far from 0 and w and b pull against each other: the valley is long and narrow.",
    "이제 x는 {low}부터 {high}까지여서 평균이 0에서 멉니다. w와 b가 서로 당겨서 골짜기가 길고 좁아집니다.",
  ],
  slow_question: ["With the same rate, centring x (the switch in the settings) needs …", "같은 학습률에서 x를 중심화하면(설정의 스위치) 필요한 스텝은?"],
  slow_answer0: ["fewer steps", "더 적다"],
  slow_answer1: ["as many steps", "같다"],
  slow_answer2: ["more steps", "더 많다"],
  slow_why: [
    "Until a millionth of the first loss is left it takes {raw} steps as it is and {centred} centred. The condition number falls from {before} to {after}, and the limit rises: try a higher rate, too.",
    "처음 손실의 백만분의 1이 될 때까지 그대로는 {raw}, 중심화하면 {centred} 스텝입니다. 조건수는 {before}에서 {after}로 줄고 한계는 올라갑니다. 학습률도 더 키워 보세요.",
  ],

  forgotten_title: ["Forgetting zero_grad", "zero_grad를 잊으면"],
  forgotten_story: [
    "Watch w.grad: it never goes back to None, and backward() keeps adding to it.",
    "w.grad를 보세요. None으로 돌아가지 않고 backward()가 계속 더합니다.",
  ],
  forgotten_question: ["What will the loss do in the second half of the run?", "학습 후반에 손실은 어떻게 될까요?"],
  forgotten_answer0: ["settle", "가라앉는다"],
  forgotten_answer1: ["swing up and down for ever", "끝없이 오르내린다"],
  forgotten_answer2: ["diverge", "발산한다"],
  forgotten_why: [
    "It swings between {low} and {high} and neither settles nor diverges. Adding up gradients is SGD with momentum 1: over {steps} steps the two losses differ by {apart}.",
    "{low}와 {high} 사이를 오르내리며, 가라앉지도 발산하지도 않습니다. 그래디언트(gradient) 누적은 모멘텀 1인 SGD입니다. {steps} 스텝 동안 두 손실의 차이는 {apart}입니다.",
  ],

  sum_title: ["mean or sum", "평균과 합"],
  sum_story: [
    'nn.MSELoss() takes the mean; with reduction="sum" the loss and its gradient are n times as large. Switch the reduction and watch the limit under the learning rate.',
    'nn.MSELoss()는 평균입니다. reduction="sum"이면 손실과 그래디언트(gradient)가 n배가 됩니다. reduction을 바꾸며 학습률 아래의 한계를 보세요.',
  ],
  sum_question: ["With sum in place of mean, the limit is …", "평균 대신 합을 쓰면 학습률 한계는?"],
  sum_answer0: ["the same", "같다"],
  sum_answer1: ["divided by n", "n분의 1이 된다"],
  sum_answer2: ["multiplied by n", "n배가 된다"],
  sum_why: [
    "It goes from {mean} to {sum}: divided by the {n} points. A rate that is copied from a tutorial belongs to its reduction.",
    "{mean}에서 {sum}로, 점의 수 {n}으로 나눈 값이 됩니다. 튜토리얼에서 베낀 학습률은 그 reduction에서만 맞습니다.",
  ],

  batches_title: ["The noise of mini-batches", "미니배치의 노이즈"],
  batches_story: [
    "Each step sees only some of the points (the dark ones), and they are noisy. The faint dots in the loss are what each batch saw.",
    "스텝마다 노이즈가 있는 점의 일부(진한 점)만 봅니다. 손실 그림의 흐린 점은 각 배치가 본 손실입니다.",
  ],
  batches_question: ["Will the loss over all points come to rest at the exact line's?", "전체 손실은 정확한 직선의 손실에서 멈출까요?"],
  batches_answer0: ["no, it keeps trembling above it", "아니다, 그 위에서 계속 떤다"],
  batches_answer1: ["yes, it comes to rest", "그렇다, 멈춘다"],
  batches_answer2: ["it goes below it", "그보다 내려간다"],
  batches_why: [
    "Over the last 100 steps with batches of {batch} it still moves by {swing}, above a floor of {floor}; with all points it moves by {whole}. A smaller rate trembles less.",
    "배치 {batch}개로는 마지막 100 스텝에서도 바닥 {floor} 위로 {swing}만큼 움직이고, 전체 배치로는 {whole}만큼 움직입니다. 학습률이 작을수록 덜 떱니다.",
  ],

  outlier_title: ["One outlier", "이상치 하나"],
  outlier_story: [
    "One point stands far above the others. Drag it, and watch the exact line follow.",
    "점 하나가 멀리 떨어져 있습니다. 끌어 보며 정확한 직선이 따라오는 것을 보세요.",
  ],
  outlier_question: ["Where does gradient descent end?", "경사 하강법은 어디에서 끝날까요?"],
  outlier_answer0: ["at the true line", "참 직선"],
  outlier_answer1: ["at the least-squares line", "최소제곱 직선"],
  outlier_answer2: ["in between", "그 사이"],
  outlier_why: [
    "It ends {ols} from least squares (w {w}, b {b}) and {truth} from the truth. Training finds the minimum of the loss, outlier included; to be robust one needs another loss.",
    "최소제곱(w {w}, b {b})에서 {ols}, 참 직선에서 {truth} 떨어져 끝납니다. 학습은 이상치까지 포함한 손실의 최솟값을 찾습니다. 이상치에 강하려면 다른 손실이 필요합니다.",
  ],
};
