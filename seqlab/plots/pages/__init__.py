"""Reports: one HTML file each that needs nothing else, in light and dark, on a phone, a screen and paper.

`page` is the frame of them all, `chart` the charts, interactive where the extra `report` is installed, and there is one
file for each kind of report.
"""
