"""Texts that are hard to read: escapes, markup, other scripts, endless runs, no text at all."""

from hypothesis import strategies as st

SCRAPS = [
    *("#39;", " #39;s", " quot;", "&amp;", "amp;", "&lt;b&gt;", "<br />", "\\", "&#0;", "&#xD800;"),
    *("\ud800", "\0", "\U0001f600\u200d\U0001f680", "\u202eשלום", "مرحبا", "İ", "ﬁ", "é", "\u2028"),
    *("Oil Prices Rise Again", "don't", "(Reuters) - ", "U.S.", ":-)", " ", "\n\n", "x" * 700, "<"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=8)), max_size=12).map("".join)
