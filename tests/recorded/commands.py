"""The commands that are recorded: one of every kind, for what they print, write and refuse.

A line is what a person would type after `seqlab`, in a folder that holds the files of `material.py`. A command that
names another in `after` begins in the folder as that one left it; all others begin with the material alone.
`SEQLAB_RECORD=1 pytest tests/recorded` writes what they do into `records/`.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

HOW = "--threads 1 --seed 1 --device cpu --precision fp32"  # what makes a command repeatable to the byte
FEW = f"--horizon 3 --origins 20 {HOW}"  # a forecast of few days with a short backtest
SMALL = "--set context=96 --set burn_in=32 --set batch_size=8 --set eval_every=6"
QUOTES = f"{HOW} --set max_steps=12 {SMALL}"
TINY = "--set hidden_size=24 --set embedding_size=8 --set num_layers=1 --set batch_size=8 --set seq_len=32"
TEXT = f"{HOW} --set max_steps=80 --set eval_every=40 --set lr=0.03 --set warmup_steps=5 {TINY}"
IMAGES = f"--model lenet5 {HOW} --set batch_size=12"
TABLE = f"{HOW} --set max_steps=100 --set hidden_size=16"
MAP = f"{HOW} --set max_steps=60 --set hidden_size=16"


@dataclass(frozen=True)
class Command:
    """A command and how it is recorded.

    after: the command whose folder it goes on in; stdin: the file that it reads as standard input; env: variables
    (SEQLAB_...); terminal: standard output is one; draws: it prints text that is drawn from a model, of which another
    processor may draw another end; chaotic: the last bits of its numbers decide the first.
    """

    name: str
    line: str
    after: str = ""
    stdin: str = ""
    env: dict[str, str] = field(default_factory=dict)
    terminal: bool = False
    draws: bool = False
    chaotic: bool = False

    @property
    def words(self) -> list[str]:
        """What the command line is given, as a shell would take the line apart."""
        return shlex.split(self.line)


MIRROR = {"SEQLAB_MIRROR": "mirror"}

GROUPS: dict[str, list[Command]] = {
    "seqlab": [
        Command("version", "--version"),
        Command("help", "--help"),
        Command("no-command", ""),
        Command("no-such-command", "forcast AAPL"),
        Command("no-such-option", "forecast AAPL --horizont 3"),
        Command("no-value", "forecast AAPL --horizon many"),
        *(
            Command(f"help-{name.replace(' ', '-')}", f"{name} --help")
            for name in (
                *("forecast", "generate", "score", "train-text", "train-forecaster", "train-cnn", "train-mlp"),
                *("structure", "evaluate", "predict", "lab", "lab list", "lab run", "data", "data list"),
                *("data fetch", "data path", "checkpoints", "checkpoints list", "checkpoints show"),
                *("checkpoints verify", "checkpoints export", "completion", "doctor"),
            )
        ),
    ],
    "forecast": [
        Command("forecast-aapl", f"forecast AAPL --offline {HOW}"),
        Command("forecast-aapl-json", f"forecast AAPL --offline --json {HOW}"),
        Command(
            "forecast-several-json", f"forecast AAPL KO --offline --horizon 7 --origins 40 --stride 5 --json {HOW}"
        ),
        Command("forecast-as-of", f"forecast MSFT --offline --as-of 2022-06-30 --horizon 5 --origins 40 {HOW}"),
        Command("forecast-hindsight-json", f"forecast KO --offline --as-of 2021-06-01 --model quotes --json {FEW}"),
        Command("forecast-before-the-cut", f"forecast KO --offline --as-of 2021-06-01 {FEW}"),
        Command("forecast-to-csv", f"forecast AAPL KO --offline -o table.csv --backtest all.csv {FEW}"),
        Command("forecast-to-png", f"forecast AAPL --offline -o chart.png --backtest scores.png {FEW}"),
        Command("forecast-garch", f"forecast AAPL --offline --baselines all --horizon 3 --origins 5 {HOW}"),
        Command("forecast-refit-json", f"forecast AAPL --offline --refit --json --set max_steps=5 {FEW}"),
        Command("forecast-file", f"forecast prices.csv {FEW}"),
        Command("forecast-files-json", f"forecast prices.csv others.csv --json {FEW}"),
        Command("forecast-stdin", f"forecast - -q {FEW}", stdin="prices.csv"),
        Command("forecast-counts-json", f"forecast visitors.csv --json {FEW}"),
        Command("forecast-hours", f"forecast power.csv {FEW}"),
        Command("forecast-months", f"forecast rain.csv --column north {FEW}"),
        Command(
            "forecast-columns-levels-json", f"forecast rain.csv --column north --column south --levels --json {FEW}"
        ),
        Command("forecast-returns", f"forecast returns.csv --returns {FEW} -o returns-forecast.csv"),
        Command("forecast-on-terminal", f"forecast AAPL --offline {FEW}", terminal=True),
        Command("forecast-quiet-to-csv", f"forecast prices.csv -q -o table.csv {FEW}"),
        Command("forecast-scores-on-terminal", f"forecast prices.csv -q --backtest scores.svg {FEW}", terminal=True),
        Command("forecast-no-file", "forecast nowhere.csv"),
        Command("forecast-no-ticker", "forecast AAPLE --offline"),
        Command("forecast-no-column", "forecast rain.csv --column nrth"),
        Command("forecast-which-column", "forecast rain.csv"),
        Command("forecast-no-dates", "forecast things.csv --column size"),
        Command("forecast-bad-horizon", "forecast AAPL --offline --horizon 99"),
        Command("forecast-bad-date", "forecast AAPL --offline --as-of soon"),
        Command("forecast-over-its-file", "forecast prices.csv -o prices.csv"),
        Command("forecast-to-txt", "forecast prices.csv -o table.txt"),
        Command("forecast-levels-and-returns", "forecast returns.csv --levels --returns"),
        Command("forecast-no-model", "forecast AAPL --offline --model qotes"),
    ],
    "train-forecaster": [
        Command(
            "train-forecaster-recurrent", f"train-forecaster prices.csv {QUOTES} --set net=recurrent -o lstm-of-mine"
        ),
        Command("train-forecaster-linear-shape", f"train-forecaster prices.csv {QUOTES} --set hidden_size=8"),
        Command("train-forecaster", f"train-forecaster prices.csv {QUOTES}"),
        Command(
            "train-forecaster-pooled-json", f"train-forecaster prices.csv others.csv --cut 2023-06-30 --json {QUOTES}"
        ),
        Command("train-forecaster-from", f"train-forecaster prices.csv --from quotes -o tuned {HOW} --set max_steps=3"),
        Command("train-forecaster-resume", f"train-forecaster prices.csv --resume {HOW}", after="train-forecaster"),
        Command("train-forecaster-exists", f"train-forecaster prices.csv {QUOTES}", after="train-forecaster"),
        Command("train-forecaster-bad-cut", f"train-forecaster prices.csv --cut soon {QUOTES}"),
        Command(
            "forecast-own-model-json",
            f"forecast prices.csv --model prices --as-of 2023-10-02 --json {FEW}",
            after="train-forecaster",
        ),
        Command(
            "evaluate-forecaster", f"evaluate prices-others prices.csv {HOW}", after="train-forecaster-pooled-json"
        ),
        Command(
            "evaluate-forecaster-json",
            f"evaluate prices-others others.csv --json {HOW}",
            after="train-forecaster-pooled-json",
        ),
        Command("evaluate-quotes", f"evaluate quotes --offline {HOW}"),
        Command("evaluate-quotes-json", f"evaluate quotes rain.csv --column north --json {HOW}"),
        Command("evaluate-forecaster-no-data", f"evaluate prices {HOW}", after="train-forecaster"),
    ],
    "train-text": [
        Command("train-text-json", f"train-text small.txt --json {TEXT}"),
        Command("train-text", f"train-text small.txt {TEXT} -o own --set cell=gru --set ngram_cache=false"),
        Command("train-text-folder", f"train-text notes -q {TEXT} --set max_steps=4"),
        Command("train-text-config", "train-text small.txt --config own.toml --set eval_every=2"),
        Command("train-text-stdin", f"train-text - --json {TEXT} --set max_steps=4", stdin="small.txt"),
        Command("train-text-pattern", f"train-text 'notes/**/c.txt' {TEXT} --set max_steps=4 -o matched"),
        Command("train-text-stacks", f"train-text stacks {TEXT} --set max_steps=4", env=MIRROR),
        Command(
            "train-text-from",
            f"train-text small.txt --from small -o more --json {HOW} --set max_steps=4",
            after="train-text-json",
        ),
        Command("train-text-resume", f"train-text small.txt --resume {HOW}", after="train-text-json"),
        Command("train-text-exists", f"train-text small.txt {TEXT}", after="train-text-json"),
        Command(
            "train-text-overwrite",
            f"train-text small.txt --overwrite {TEXT} --set max_steps=4",
            after="train-text-json",
        ),
        Command("train-text-no-setting", "train-text small.txt --set hiden_size=3"),
        Command("train-text-no-number", "train-text small.txt --set lr=fast"),
        Command("train-text-two-lengths", "train-text small.txt --epochs 1 --set max_steps=3"),
        Command("train-text-bad-config", "train-text small.txt --config small.txt"),
        Command("train-text-no-corpus", "train-text linx"),
        Command("train-text-short", "train-text short.txt"),
        Command("evaluate-text", f"evaluate small small.txt {HOW}", after="train-text-json"),
        Command("evaluate-text-adapt-json", f"evaluate small small.txt --adapt --json {HOW}", after="train-text-json"),
        Command("evaluate-text-no-cache-json", f"evaluate linux short.txt --no-cache --json {HOW}"),
        Command("evaluate-text-no-such-cache", f"evaluate own small.txt --no-cache {HOW}", after="train-text"),
        Command("evaluate-stacks", f"evaluate stacks {HOW}", after="train-text-stacks", env=MIRROR),
        Command("evaluate-linux-json", f"evaluate linux short.txt --json {HOW}"),
        Command("evaluate-text-no-data", f"evaluate small {HOW}", after="train-text-json"),
    ],
    "generate": [
        Command(
            "generate",
            f"generate --corpus small --length 80 --prompt 'int ' {HOW}",
            after="train-text-json",
            draws=True,
        ),
        Command(
            "generate-samples",
            f"generate --corpus small --samples 3 --length 40 --temperature 0.5 --stop ';' {HOW}",
            after="train-text-json",
            draws=True,
        ),
        Command(
            "generate-copies-json",
            f"generate --corpus small --length 60 --top-k 5 --check-copies small.txt --json {HOW}",
            after="train-text-json",
            draws=True,
        ),
        Command(
            "generate-to-file",
            f"generate --corpus small --length 60 --top-p 0.5 -o drawn.txt {HOW}",
            after="train-text-json",
            draws=True,
        ),
        Command(
            "generate-adapt",
            f"generate --corpus small --prompt - --adapt --length 60 --min-p 0.1 {HOW}",
            after="train-text-json",
            stdin="prompt.txt",
            draws=True,
        ),
        Command("generate-linux", f"generate --corpus linux --length 120 --temperature 0.8 {HOW}", draws=True),
        Command(
            "generate-stacks-json",
            f"generate --corpus stacks --length 60 --samples 2 --prompt '\\begin{{lemma}}' --json {HOW}",
            draws=True,
        ),
        Command(
            "generate-unseen", "generate --corpus small --prompt - --seed 0", after="train-text-json", stdin="short.txt"
        ),
        Command(
            "generate-likeliest",
            f"generate --corpus small --length 40 --temperature 0 -q {HOW}",
            after="train-text-json",
        ),
        Command("generate-no-corpus", "generate --corpus linx"),
        Command("generate-bad-temperature", "generate --corpus linux --temperature -1"),
        Command("generate-other-job", "generate --corpus quotes"),
        Command("generate-no-meaning", "generate --corpus linux --set lr=1"),
    ],
    "score": [
        Command("score", f"score short.txt --corpus linux {HOW}"),
        Command("score-json", f"score - --corpus small --json {HOW}", after="train-text-json", stdin="short.txt"),
        Command("score-on-terminal", f"score short.txt --corpus small {HOW}", after="train-text-json", terminal=True),
        Command("score-to-file", f"score short.txt --corpus small -o scores.txt {HOW}", after="train-text-json"),
        Command("score-no-file", "score nowhere.txt --corpus linux"),
        Command("score-binary", "score pets/cat/0.ppm --corpus linux"),
    ],
    "train-cnn": [
        Command("train-cnn-list", "train-cnn --list"),
        Command("train-cnn-list-json", "train-cnn --list --json"),
        Command("train-cnn-folder", f"train-cnn pets {IMAGES} --set max_steps=14 --set eval_every=7"),
        Command(
            "train-cnn-chosen-json",
            f"train-cnn pets {IMAGES} --set max_steps=12 --set eval_every=6 --set val_images=12 --json",
        ),
        Command("train-cnn-folds", f"train-cnn pets --folds 2 {IMAGES} --set max_steps=12"),
        Command("train-cnn-folds-json", f"train-cnn pets --folds 2 --json {IMAGES} --set max_steps=6"),
        Command("train-cnn-cifar10", f"train-cnn cifar10 {IMAGES} --set max_steps=10", env=MIRROR),
        Command("train-cnn-mnist-json", f"train-cnn mnist --data-dir digits --json {IMAGES} --set max_steps=10"),
        Command("train-cnn-fast", f"train-cnn pets --size 16 --epochs 1 {HOW} --set batch_size=20"),
        Command("train-cnn-resume", f"train-cnn pets --resume {IMAGES}", after="train-cnn-folder"),
        Command("train-cnn-exists", f"train-cnn pets {IMAGES}", after="train-cnn-folder"),
        Command("train-cnn-no-model", "train-cnn pets --model resnet21"),
        Command("train-cnn-no-set", "train-cnn cifar11"),
        Command("train-cnn-offline", f"train-cnn cifar10 --offline {IMAGES}"),
        Command("train-cnn-bad-size", f"train-cnn pets --size 64 {IMAGES}"),
        Command("evaluate-images", f"evaluate pets-lenet5 pets --plot confusion.png {HOW}", after="train-cnn-folder"),
        Command("evaluate-images-json", f"evaluate pets-lenet5 pets --json {HOW}", after="train-cnn-folder"),
        Command("evaluate-images-no-data", f"evaluate pets-lenet5 {HOW}", after="train-cnn-folder"),
        Command(
            "evaluate-digits-json",
            f"evaluate mnist-lenet5 --data-dir digits --json {HOW}",
            after="train-cnn-mnist-json",
        ),
        Command("predict-images", f"predict pets-lenet5 pets/cat/0.ppm pets/dog/1.bmp {HOW}", after="train-cnn-folder"),
        Command(
            "predict-images-json",
            f"predict pets-lenet5 pets/cat/0.ppm pets/emu/2.ppm --views --top 2 --json {HOW}",
            after="train-cnn-folder",
        ),
        Command("predict-heat", f"predict pets-lenet5 pets/cat/0.ppm -o heat.png {HOW}", after="train-cnn-folder"),
        Command("predict-shipped-json", f"predict cifar10 pets/cat/0.ppm --json {HOW}"),
        Command("evaluate-shipped-json", f"evaluate cifar10 --json {HOW}", env=MIRROR),
        Command("predict-no-image", f"predict cifar10 small.txt {HOW}"),
        Command("predict-no-checkpoint", "predict cifar pets/cat/0.ppm"),
    ],
    "train-mlp": [
        Command("train-mlp-classes", f"train-mlp things.csv --target kind {TABLE}"),
        Command("train-mlp-classes-json", f"train-mlp things.csv --target kind --json {TABLE}"),
        Command("train-mlp-numbers", f"train-mlp prized.csv --target price {TABLE}"),
        Command("train-mlp-numbers-json", f"train-mlp prized.csv --target price --json {TABLE}"),
        Command("train-mlp-folds", f"train-mlp prized.csv --target price --folds 3 -o folded {TABLE}"),
        Command("train-mlp-folds-json", f"train-mlp things.csv --target kind --folds 3 --json {TABLE}"),
        Command("train-mlp-curve", f"train-mlp things.csv --target kind --curve {TABLE}"),
        Command("train-mlp-curve-json", f"train-mlp prized.csv --target price --curve --json {TABLE} --l2 0.01"),
        Command("train-mlp-time", f"train-mlp table.csv --target price --time day {TABLE}"),
        Command("train-mlp-groups", f"train-mlp table.csv --target kind --groups shop --task classification {TABLE}"),
        Command("train-mlp-test-json", f"train-mlp things.csv --target kind --test new.csv --json {TABLE}"),
        Command("train-mlp-exists", f"train-mlp things.csv --target kind {TABLE}", after="train-mlp-classes"),
        Command("train-mlp-resume", f"train-mlp things.csv --target kind --resume {TABLE}", after="train-mlp-classes"),
        Command("train-mlp-no-target", "train-mlp things.csv --target kint"),
        Command("train-mlp-which-target", "train-mlp things.csv"),
        Command("train-mlp-constant", "train-mlp table.csv --target same"),
        Command("train-mlp-no-file", "train-mlp nowhere.csv --target kind"),
        Command("train-mlp-no-activation", "train-mlp things.csv --target kind --set activation=rely"),
        Command("evaluate-classes", f"evaluate things things.csv {HOW}", after="train-mlp-classes"),
        Command("evaluate-classes-json", f"evaluate things new.csv --json {HOW}", after="train-mlp-classes"),
        Command("evaluate-numbers", f"evaluate prized prized.csv {HOW}", after="train-mlp-numbers"),
        Command("evaluate-numbers-json", f"evaluate prized table.csv --json {HOW}", after="train-mlp-numbers"),
        Command("evaluate-table-no-data", f"evaluate things {HOW}", after="train-mlp-classes"),
        Command("evaluate-data-dir", f"evaluate things --data-dir pets {HOW}", after="train-mlp-classes"),
        Command("predict-classes", f"predict things new.csv {HOW}", after="train-mlp-classes"),
        Command("predict-classes-json", f"predict things new.csv --json {HOW}", after="train-mlp-classes"),
        Command("predict-numbers", f"predict prized prized.csv -o predicted.csv {HOW}", after="train-mlp-numbers"),
        Command("predict-numbers-json", f"predict folded new.csv --json {HOW}", after="train-mlp-folds"),
        Command("predict-no-column", f"predict things rain.csv {HOW}", after="train-mlp-classes"),
    ],
    "structure": [
        Command("structure-table", f"structure table.csv --top 3 {MAP}"),
        Command("structure-table-json", f"structure table.csv --top 3 --json -o codes.csv {MAP}"),
        Command("structure-days", f"structure GOOG IBM --offline --top 3 {MAP} --set window=5 --set max_steps=10"),
        Command("structure-days-json", f"structure prices.csv others.csv --top 2 --json {MAP} --set window=5"),
        Command("structure-png", f"structure prices.csv --column Close -o map.png {MAP} --set window=5"),
        Command("structure-on-terminal", f"structure prized.csv --top 2 {MAP}", terminal=True),
        Command("structure-no-file", "structure nowhere.csv"),
        Command("structure-no-dates", "structure things.csv KO --column size --offline"),
        Command("structure-no-setting", "structure table.csv --set cell=gru"),
    ],
    "checkpoints": [
        Command("checkpoints-list", "checkpoints list", after="train-text-json"),
        Command("checkpoints-list-to-file", "checkpoints list -o list.txt --checkpoints ."),
        Command("checkpoints-list-json", "checkpoints list --json", after="train-cnn-folder"),
        Command("checkpoints-show", "checkpoints show small", after="train-text-json"),
        Command("checkpoints-show-quotes", "checkpoints show quotes"),
        Command("checkpoints-show-json", "checkpoints show things --json", after="train-mlp-classes"),
        Command("checkpoints-verify", "checkpoints verify", after="train-mlp-classes"),
        Command("checkpoints-verify-json", "checkpoints verify pets-lenet5 --json", after="train-cnn-folder"),
        Command("checkpoints-export", "checkpoints export small -o half", after="train-text-json"),
        Command("checkpoints-export-json", "checkpoints export pets-lenet5 -o half --json", after="train-cnn-folder"),
        Command("checkpoints-export-nowhere", "checkpoints export quotes"),
        Command("checkpoints-show-none", "checkpoints show smal", after="train-text-json"),
        Command("evaluate-exported", f"evaluate half small.txt {HOW}", after="checkpoints-export"),
    ],
    "data": [
        Command("data-list", "data list", env=MIRROR),
        Command("data-fetch", "data fetch stacks", env=MIRROR),
        Command("data-fetch-json", "data fetch mnist --json", env=MIRROR),
        Command("data-list-json", "data list --json", after="data-fetch"),
        Command("data-path", "data path stacks", after="data-fetch"),
        Command("data-path-json", "data path stacks --json", after="data-fetch"),
        Command("data-path-none", "data path cifar10"),
        Command("data-fetch-offline", "data fetch linux --offline"),
        Command("data-fetch-unknown", "data fetch linx"),
    ],
    "lab": [
        Command("lab-list", "lab list"),
        Command("lab-list-json", "lab list --json"),
        Command("lab-run", "lab run backpropagation --seeds 2 --threads 1"),
        Command("lab-run-json", "lab run backpropagation --seeds 2 --threads 1 --json -q"),
        Command(
            "lab-run-explosion-json",
            "lab run explosion --scale small --seeds 1 --threads 1 --json --seed 1",
            chaotic=True,
        ),
        Command("lab-run-unknown", "lab run cell"),
    ],
    "doctor": [
        Command("doctor", f"doctor --offline {HOW}"),
        Command("doctor-json", f"doctor --offline --json {HOW}", env=MIRROR),
        Command("doctor-bad-device", "doctor --device gpu"),
    ],
}

COMMANDS: dict[str, Command] = {command.name: command for group in GROUPS.values() for command in group}


def printing_one_object() -> Iterator[Command]:
    """The commands whose standard output is one JSON object: all with --json that are not a training's lines.

    For tests that ask the library for what a command prints, and compare its answer with that: a `recording.Player`
    has `json(name)`, and `prepared(name)`, the folder in which the command began.
    """
    return (
        command
        for command in COMMANDS.values()
        if "--json" in command.words and (not command.line.startswith("train-") or "--list" in command.words)
    )
