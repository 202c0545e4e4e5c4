"""The words of `Run.explain`, in each language: the same keys, and each sentence true wherever it is chosen."""

from __future__ import annotations

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "never": "for ever",
        "epoch": "1 epoch",
        "epochs": "{number} epochs",
        "converged": "The run converged: after {epochs} every coefficient is within a thousandth of the "
        "exact answer, of itself or of its standard error.",
        "crawled": "The run has not converged yet: after {epochs} {name} is {trained}, and the exact "
        "answer is {exact}.",
        "floor": "The run is at its noise floor: after {epochs} {name} is {trained} and the exact answer "
        "is {exact}, and more epochs of the same kind bring it no nearer.",
        "decayed": "The run converged to where weight decay {decay} leads, which is not the exact answer: {name} "
        "is {trained} instead of {exact}.",
        "decaying": "The run has not converged yet; it heads for where weight decay {decay} leads, which is not "
        "the exact answer: {name} is {trained}, and would be {exact} without.",
        "rate": "lr {lr} is {share} % of the limit {limit}, set by {column}; {best} is the fastest.",
        "rate_below": "lr {lr} is {share} % of the limit {limit}, set by {column}; just below it is the fastest.",
        "rate_far": "lr {lr} is far above the limit {limit}, set by {column}; {best} is the fastest.",
        "rate_swinging": "lr {lr} is {share} % of the limit {limit}, set by {column}.",
        "scheduled": "lr {lr} is multiplied by the schedule {schedule} from epoch to epoch; at a constant rate the "
        "limit is {limit}, set by {column}, and {best} is the fastest.",
        "scheduled_batches": "lr {lr} is multiplied by the schedule {schedule} from epoch to epoch; at a constant "
        "rate the limit for batches of {batch} is about {about}, an estimate.",
        "scheduled_above": "In every epoch whose rate is above that limit the error grows.",
        "scheduled_above_batches": "In every epoch whose rate is above it the error grows, and below it a batch with "
        "a row that is much longer than the others can overshoot.",
        "any_rate_batches": "Gradients that are never forgotten add up (zero_grad=False is momentum 1), and so does "
        "the noise of batches of {batch} out of {rows} rows: no learning rate is low enough.",
        "no_limit": "No learning rate is too high for these data and options.",
        "rate_batches": "lr {lr} is {about_share} % of about {about}, an estimate of the limit for batches of "
        "{batch}.",
        "noise": "Each step sees {batch} of {rows} rows, so its gradient is noisy: at a constant rate that keeps "
        "{name} moving by about {noise} ({in_se} of its standard error), an estimate.",
        "noise_grows": "Each step sees {batch} of {rows} rows, and at this rate the noise of that feeds itself, "
        "by the estimate.",
        "lower_floor": "A smaller learning rate or larger batches lower this floor; all rows in each step remove it.",
        "swings": "Gradients that are never forgotten add up (zero_grad=False is momentum 1): the loss swings and "
        "no error shrinks.",
        "swings_try": "Call optimizer.zero_grad() in each step, or take a momentum below 1.",
        "round": "The loss is about as steep in every direction, so no coefficient waits for another.",
        "slow": "The loss is {kappa} times steeper along its steepest direction ({steep}) than along its flattest "
        "({flat}): an epoch multiplies the error by {steep_factor} along the one and by {flat_factor} along the "
        "other.",
        "certain": "The largest distance from the exact answer is {in_se} of a standard error.",
        "left": "At this rate it takes another {more} to 1e-3 of the exact answer, and {most} to 1e-6.",
        "brake": "The rate is low for these data: at {best} the error would shrink to 1e-3 of the start in {other}.",
        "standardize": "The columns differ in size or are far from 0: standardized, their condition number is "
        "{other}, and at lr {rate} it takes {epochs_other} to 1e-3 (standardize=True).",
        "diverged": "The run diverged: in {steps} steps the loss grew from {first} to {last}.",
        "diverged_stopped": "The run diverged: from {first} the loss grew until it left {dtype}'s range at step "
        "{stopped}.",
        "above": "lr {lr} is {times} times the limit {limit}, which {steep} sets: the loss is steepest in that "
        "direction (mean square of {column}: {square}).",
        "overshoots": "Each step overshoots there to the other side: the error is multiplied by {factor} and the "
        "loss by {growth}.",
        "grows": "There the error is multiplied by {factor} each step in the long run, and the loss by {growth}.",
        "above_batches": "lr {lr} is {about_times} times {about}, an estimate of the limit for batches of "
        "{batch}; for all rows it would be {limit}, set by {steep}.",
        "feeds_itself": "Each step sees {batch} of {rows} rows, and what it gets wrong by that grows faster than "
        "the next steps mend it.",
        "below_batches": "lr {lr} is {about_share} % of {about}, an estimate of the limit for batches of {batch} "
        "that takes rows for Gaussian.",
        "long_rows": "So a few rows must be much longer than the others: a batch with one of them overshoots.",
        "any_rate": "With momentum and without zero_grad gradients add up twice, and no learning rate is low enough.",
        "call_zero_grad": "Call zero_grad, or leave momentum out.",
        "use_auto": 'Below the limit it settles; {best} is the fastest (lr="auto").',
        "use_auto_batches": 'lr="auto" measures the longest row and takes a rate that is safe for it.',
        "limit_standardized": "With standardized columns the limit is {other} (standardize=True).",
        "beyond": "The run stopped at step {stopped}: the loss left {dtype}'s range, although lr {lr} is "
        "below the limit {limit}.",
        "beyond_why": "That comes from the size of the numbers and not from the learning rate: the largest "
        "starting weight is {start}, and residuals are squared.",
        "beyond_try": "Start nearer to 0 (init), or give columns and target in other units.",
        "averaged": "The weights are means over all steps of the last {average} epochs, which takes most of the "
        "noise of mini-batches out of them.",
        "stopped": "The run stopped at step {stopped}: the loss was no finite number; it had started at {first}.",
        "settled": "The loss has settled: from {first} it came to {last} in {epochs}, and hardly changed "
        "over the last tenth of them.",
        "unsettled": "The loss has not settled yet: from {first} it came to {last} in {epochs}.",
        "l1": "The l1 loss is least where half of the residuals are positive, near a median and not the mean, so "
        "the least-squares answer is not its goal.",
        "huber": "The huber loss squares small residuals and counts large ones by their size, so outliers pull "
        "less and the least-squares answer is not its goal.",
        "own_loss": "The goal of {loss} is not known here; the least-squares answer stands beside it for comparison.",
        "l1_step": "Its gradient does not get smaller near the goal: at a constant rate of {lr} the last steps go "
        "to and fro.",
        "no_limit_loss": "A limit of the learning rate is known for the MSE loss only, so none is claimed here.",
        "no_limit_optimizer": "{optimizer} makes its steps from earlier gradients in its own way, so the limits "
        "and rates of SGD do not hold for it.",
        "bowl": "The loss that it descends is {kappa} times steeper along {steep} than along {flat}.",
        "decay_elsewhere": "Weight decay {decay} leads elsewhere than to the exact answer.",
    },
    "ko": {
        "never": "끝없이",
        "epoch": "1 에포크",
        "epochs": "{number} 에포크",
        "converged": "수렴했으며, {epochs} 뒤 모든 계수가 정확한 해에서 계수 자신이나 표준오차의 1000분의 "
        "1 이내에 있다.",
        "crawled": "아직 수렴하지 않아서, {epochs} 뒤 {name} 값은 {trained}인데 정확한 해는 {exact}이다.",
        "floor": "노이즈 바닥에 이르러서, {epochs} 뒤 {name} 값은 {trained}이고 정확한 해는 {exact}이며 "
        "같은 방식으로 더 학습해도 가까워지지 않는다.",
        "decayed": "가중치 감쇠(weight_decay) {decay}의 목표에 수렴했지만 정확한 해와는 달라서, {name} 값은 "
        "{exact} 대신 {trained}이다.",
        "decaying": "아직 수렴하지 않았고 목표는 정확한 해가 아니라 가중치 감쇠(weight_decay) {decay}가 정하는 "
        "값이어서, {name} 값은 {trained}이고 감쇠가 없을 때의 해는 {exact}이다.",
        "rate": "학습률 {lr}: 학습률 한계 {limit}의 {share} %이고, 한계를 정하는 열은 {column}, 가장 빠른 "
        "학습률은 {best}이다.",
        "rate_below": "학습률 {lr}: 학습률 한계 {limit}의 {share} %이고, 한계를 정하는 열은 {column}이며 한계 "
        "바로 아래가 가장 빠르다.",
        "rate_far": "학습률 {lr}: 학습률 한계 {limit}보다 훨씬 크고, 한계를 정하는 열은 {column}, 가장 빠른 "
        "학습률은 {best}이다.",
        "rate_swinging": "학습률 {lr}: 학습률 한계 {limit}의 {share} %이고, 한계를 정하는 열은 {column}이다.",
        "scheduled": "학습률 {lr}: 에포크마다 스케줄 {schedule}에 따른 값을 곱하며, 학습률이 일정할 때의 한계는 "
        "{limit}(정하는 열은 {column}), 가장 빠른 학습률은 {best}이다.",
        "scheduled_batches": "학습률 {lr}: 에포크마다 스케줄 {schedule}에 따른 값을 곱하며, 학습률이 일정할 때 배치 "
        "{batch}행의 한계는 약 {about}(추정값)이다.",
        "scheduled_above": "학습률이 이 한계보다 큰 에포크마다 오차가 커진다.",
        "scheduled_above_batches": "학습률이 이 한계보다 큰 에포크마다 오차가 커지며, 한계보다 작더라도 다른 행보다 "
        "값이 훨씬 큰 행이 든 배치는 바닥을 지나칠 수 있다.",
        "any_rate_batches": "지난 그래디언트가 잊히지 않고 누적되면서(zero_grad=False는 모멘텀 1과 같다) {rows}행 "
        "가운데 {batch}행씩 본 노이즈도 누적되어, 어떤 학습률에서도 안정되지 않는다.",
        "no_limit": "이 데이터와 옵션에서는 학습률에 한계가 없다.",
        "rate_batches": "학습률 {lr}: 배치 {batch}행일 때의 한계 추정값 {about}의 {about_share} %이다.",
        "noise": "스텝마다 {rows}행 가운데 {batch}행만 보아 그래디언트에 노이즈가 있으므로, 학습률이 일정하면 "
        "{name} 값이 약 {noise}만큼(표준오차의 {in_se}배, 추정값) 계속 흔들린다.",
        "noise_grows": "스텝마다 {rows}행 가운데 {batch}행만 보는데, 추정에 따르면 이 학습률에서는 그 노이즈가 "
        "스스로 커진다.",
        "lower_floor": "학습률을 줄이거나 배치를 키우면 바닥이 낮아지고, 전체 배치로 학습하면 사라진다.",
        "swings": "그래디언트를 비우지 않으면 계속 누적되어(zero_grad=False는 모멘텀 1과 같다) 손실은 오르내릴 뿐 "
        "오차가 줄지 않는다.",
        "swings_try": "스텝마다 optimizer.zero_grad()를 부르거나 모멘텀을 1보다 작게 해야 한다.",
        "round": "손실의 가파른 정도가 어느 방향이나 비슷해서 특별히 느린 계수가 없다.",
        "slow": "손실은 가장 가파른 방향({steep})이 가장 완만한 방향({flat})보다 {kappa}배 가팔라서, 에포크마다 "
        "오차가 앞의 방향에서는 {steep_factor}배, 뒤의 방향에서는 {flat_factor}배가 된다.",
        "certain": "정확한 해와의 차이는 가장 큰 계수도 표준오차의 {in_se}배이다.",
        "left": "이 학습률로 정확한 해의 1e-3까지 {more}, 1e-6까지 {most}가 더 걸린다.",
        "brake": "이 데이터에 비해 학습률이 작아서, {best}이면 오차가 처음의 1e-3으로 줄기까지 {other}면 된다.",
        "standardize": "열마다 크기가 다르거나 평균이 0에서 멀어서, 표준화하면 조건수가 {other}로 줄고 학습률 "
        "{rate}에서 1e-3까지 {epochs_other}가 걸린다(standardize=True).",
        "diverged": "발산하여, {steps} 스텝 동안 손실이 {first}에서 {last}까지 커졌다.",
        "diverged_stopped": "발산하여, 손실이 {first}에서 커지다가 {stopped}번째 스텝에서 {dtype}의 범위를 벗어났다.",
        "above": "학습률 {lr}: 학습률 한계 {limit}의 {times}배이고, 한계를 정하는 것은 손실이 가장 가파른 {steep} "
        "방향이다({column}의 제곱 평균 {square}).",
        "overshoots": "이 방향에서 매 스텝이 바닥을 지나 반대편으로 더 멀리 건너가서, 오차는 {factor}배, 손실은 "
        "{growth}배가 된다.",
        "grows": "이 방향에서 길게 보아 스텝마다 오차는 {factor}배, 손실은 {growth}배가 된다.",
        "above_batches": "학습률 {lr}: 배치 {batch}행일 때의 한계 추정값 {about}의 {about_times}배이고, 전체 "
        "배치라면 한계는 {steep} 방향이 정하는 {limit}이다.",
        "feeds_itself": "스텝마다 {rows}행 가운데 {batch}행만 보는데, 거기서 생긴 오차가 다음 스텝들이 바로잡는 "
        "것보다 빨리 커진다.",
        "below_batches": "학습률 {lr}: 행이 정규분포를 따른다고 보고 추정한 배치 {batch}행의 한계 {about}의 "
        "{about_share} %이다.",
        "long_rows": "따라서 다른 행보다 값이 훨씬 큰 행이 몇 개 있고, 그런 행이 든 배치는 바닥을 지나친다.",
        "any_rate": "zero_grad 없이 모멘텀까지 쓰면 그래디언트가 이중으로 누적되어 어떤 학습률에서도 발산한다.",
        "call_zero_grad": "zero_grad를 부르거나 모멘텀을 빼야 한다.",
        "use_auto": '한계 아래에서는 수렴하며 {best}일 때 가장 빠르다(lr="auto").',
        "use_auto_batches": 'lr="auto"는 값이 가장 큰 행을 재어 안전한 학습률을 고른다.',
        "limit_standardized": "열을 표준화하면 한계는 {other}이다(standardize=True).",
        "beyond": "학습률 {lr}: 한계 {limit}보다 작지만, {stopped}번째 스텝에서 손실이 {dtype}의 범위를 "
        "벗어나 멈췄다.",
        "beyond_why": "원인은 학습률이 아니라 값의 크기로, 처음 가중치 가운데 가장 큰 것이 {start}이고 잔차는 "
        "제곱된다.",
        "beyond_try": "0에 가까운 값에서 시작하거나(init) 열과 목표값의 단위를 바꾸면 된다.",
        "averaged": "가중치는 마지막 {average} 에포크의 모든 스텝에 대한 평균이어서 미니배치의 노이즈가 대부분 "
        "사라진다.",
        "stopped": "처음에 {first}이던 손실이 유한한 수가 아니게 되어 {stopped}번째 스텝에서 멈췄다.",
        "settled": "손실이 {epochs} 동안 {first}에서 {last}로 변하여 자리를 잡았고, 마지막 10분의 1 동안 "
        "거의 변하지 않았다.",
        "unsettled": "손실이 {epochs} 동안 {first}에서 {last}로 변했고 아직 자리를 잡지 않았다.",
        "l1": "l1 손실은 잔차의 절반이 양수인 곳, 곧 평균이 아니라 중앙값 근처에서 가장 작으므로 최소제곱 해가 "
        "목표가 아니다.",
        "huber": "huber 손실은 작은 잔차는 제곱하고 큰 잔차는 크기만큼만 세어 이상값에 덜 끌리므로 최소제곱 해가 "
        "목표가 아니다.",
        "own_loss": "{loss}의 목표는 여기서 알 수 없으며, 최소제곱 해는 비교를 위해 보인다.",
        "l1_step": "목표 근처에서도 그래디언트가 작아지지 않아, 학습률이 {lr}로 일정하면 마지막 스텝들은 "
        "오락가락한다.",
        "no_limit_loss": "학습률 한계는 MSE 손실에 대해서만 알려져 있어 여기서는 말하지 않는다.",
        "no_limit_optimizer": "SGD의 한계와 학습률은 지난 그래디언트로 스텝을 나름대로 정하는 {optimizer}에 "
        "들어맞지 않는다.",
        "bowl": "내려가는 손실은 {steep} 방향이 {flat} 방향보다 {kappa}배 가파르다.",
        "decay_elsewhere": "가중치 감쇠(weight_decay) {decay}의 목표는 정확한 해와 다르다.",
    },
}
