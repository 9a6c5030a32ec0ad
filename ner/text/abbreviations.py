"""Words that keep their dot: what the tokenizer knows of abbreviations, and of the words that open a sentence."""

# Abbreviations keep their dot. A title or a numbering word never ends a sentence, for a name or a number
# follows; the others do where the next word is one of STARTERS, and keep their dot there too, for `U.S.`
# and `Inc.` are the words a model knows. Reuters headlines are in capitals.
_TITLES = """Mr Mrs Ms Dr Drs Prof Gen Col Lt Sgt Cpl Maj Capt Cmdr Adm Brig Rev Fr Hon Sen Rep Gov Pres St Ste
    Mt Ft Msgr Sra Srta Dña Hr Hrn Mme Mlle Ir Ing Messrs Supt Insp Amb Dipl vs ca bzw approx
    cf dr dhr mw prof i.e e.g z.B d.h
    vgl Vgl ggf sog bspw insb inkl zzgl ehem geb Abb Kap Bd Aufl Hrsg bijv MM Mgr Dra Profa Dott Avv Excmo Ilmo Gral
    Avda Ud Uds f.eks dvs np tzw tj např """
_NUMBERING = "No Nos no nos Nr nr Art art Fig fig Vol vol pp p pg ch Ch tel Tel núm pág blz Abs Op Rs Sec "
_OTHERS = """Inc Corp Co Cos Ltd Bros Jr Sr Esq etc al Ave Blvd Rd Calif Fla Conn Ariz Wash Ill Tenn Okla Colo Tex
    Mass Mich Minn Va Pa Ga Ky La Ore Wis Penn Dept Univ Assn Intl Govt Pty Plc Ph.D M.Sc B.Sc usw evtl
    Mio Mrd Jh Chr Cie ecc enz osv atd stb     Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec """
_STARTERS = """The This That These Those There Then They He She It We You His Her Its Their Our In On At As After
    Also And Although But By During For From However If Meanwhile Not Now Or Since So Some To Under Until What
    When Where Which While Who Why With El En Der Die Das Het Ze"""

# Behind a single small letter with its dot and a space: z. B., d. h., u. a., i. d. R., v. Chr., h. c., p. ej., p. ex.
_PARTS = "B h a ä U d R o u s J E Chr ej ex c"
# Behind another or a title, and words elsewhere: Dr. med. dent. Roe, Dr. rer. nat. Roe, Dr. h.c. mult. Roe.
_DEGREES = "Dr Prof Dipl med phil jur iur rer nat theol oec pol dent vet habil h.c c mult"


def _dotted(stems: str) -> frozenset[str]:
    """Each abbreviation with its dot, as given and in capitals."""
    return frozenset(f"{word}." for stem in stems.split() for word in (stem, stem.upper()))


NUMBERINGS = _dotted(_NUMBERING)
NUMBERED = tuple(NUMBERINGS)
NEVER_FINAL = _dotted(_TITLES + _NUMBERING)
SENTENCE_STARTERS = frozenset(_STARTERS.split())
ABBREVIATIONS = _dotted(_TITLES + _OTHERS)
PARTS = frozenset(f"{stem}." for stem in _PARTS.split())
DEGREES = frozenset(f"{stem}." for stem in _DEGREES.split())
