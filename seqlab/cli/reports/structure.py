"""What `seqlab structure` prints: what the code explains, and the most unusual rows beside what else picks them."""

from typing import TYPE_CHECKING

from seqlab.cli.layout import table

if TYPE_CHECKING:
    from seqlab.unsupervised.structure import Structure


def lines(found: "Structure", top: int) -> list[str]:
    """The result for a person."""
    net, pca = found.autoencoder, found.pca
    what = "rows" if found.kind == "row" else "days"
    size = net.codes.shape[1]
    columns = f"{len(found.columns):,} {'encoded columns' if found.sizes is None else 'series'}"
    text = [
        f"{len(net.codes):,} {what} of {columns}, each as a code of {size} {'number' if size == 1 else 'numbers'}",
        f"variance explained on {what} not learned from: autoencoder {net.explained:.1%}, PCA {pca.explained:.1%}",
        *([] if net.explained > pca.explained else ["here the net found no more than lies in a plane: look at PCA"]),
        "",
        f"the most unusual {what}",
        *_table(found, top),
        "",
        f"by PCA: {_names(found, pca.unusual(top).tolist())}",
    ]
    if found.sizes is not None:
        largest = found.largest_moves(top)
        shared = [len({*largest} & {*one.unusual(top).tolist()}) for one in (net, pca)]
        text.append(f"by mean |log return|: {_names(found, largest)}")
        text.append(f"of these {len(largest)} the autoencoder has {shared[0]}, PCA {shared[1]}")
    return text


def _table(found: "Structure", top: int) -> list[str]:
    net = found.autoencoder
    rows, size = net.unusual(top).tolist(), net.codes.shape[1]
    width = max(len(found.kind), max(len(str(found.place(row))) for row in rows))
    cells = [
        [found.kind, "error", "" if found.sizes is None else "mean |log return|", f"  {'code':{9 * size}}", "  mostly"]
    ]
    for row in rows:
        code = "".join(f"{number:9.2f}" for number in net.codes[row])
        move = "" if found.sizes is None else f"{found.sizes[row]:.4f}"
        worst = " ".join(found.columns[net.worst[row]].split())
        cells.append([str(found.place(row)), f"{net.errors[row]:.3g}", move, f"  {code}", f"  {worst}"])
    widths = [width, 10, 0 if found.sizes is None else 19, -2 - 9 * size, -2]
    return table(cells, widths, [[3]], more=": -o FILE.csv has them")


def _names(found: "Structure", rows: list[int]) -> str:
    return ", ".join(str(found.place(row)) for row in rows)
