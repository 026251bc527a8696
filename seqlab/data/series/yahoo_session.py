"""The HTTP session that yfinance asks with: it looks at every chart first, and spends little time on anything else.

yfinance itself looks at no status but 429, takes a page of HTML as the answer to its next question too, sorts dates
without a word, and waits for a cookie as long as for the quotes, which come without one.
"""

import threading
from typing import Any

from curl_cffi import requests

ASIDE = 0.25  # of a try's seconds: what a cookie may take


class ChartSession(requests.Session):
    """A session like yfinance's own. seconds: how long a chart may take."""

    def __init__(self) -> None:
        super().__init__(impersonate="chrome")
        self.seconds = 10.0
        self._here = threading.local()

    def request(self, method: Any, url: str, **options: Any) -> Any:  # type: ignore[override]
        """The answer. Raises HTTPError for a chart with an error's status, JSONDecodeError for one that is a page."""
        aside = method == "GET" and "/chart/" not in url
        options["timeout"] = ASIDE * self.seconds if aside else self.seconds
        response = super().request(method, url, **options)
        # a redirection to the page that asks for consent, and 401 for want of a crumb, are yfinance's to answer
        if "/chart/" in response.url and response.status_code != 401:
            response.raise_for_status()
            self._here.chart = response.json()
        return response

    def stamps(self) -> list[int]:
        """The time of each bar of the chart that this thread was given last, as they came."""
        try:
            return [int(stamp) for stamp in self._here.chart["chart"]["result"][0]["timestamp"]]
        except (AttributeError, KeyError, IndexError, TypeError, ValueError):
            return []
