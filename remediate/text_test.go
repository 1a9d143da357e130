package remediate_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	. "nightshift/remediate"
)

func TestPrintableKeepsTextOnItsLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ü, 日本, \t tab":    "plain, ü, 日本, \t tab",
		"a\nforged=line":          "a\uFFFDforged=line",
		"\x1b[2Jclear":            "\uFFFD[2Jclear",
		"c1 \u0085 nel":           "c1 \uFFFD nel",
		"separators \u2028\u2029": "separators \uFFFD\uFFFD",
		"exe.\u202egnp":           "exe.\uFFFDgnp",
		"\u061c\u200f\u2066":      "\uFFFD\uFFFD\uFFFD",
		"\ufeffbom zero\u200b":    "\uFFFDbom zero\uFFFD",
		"bad \xff utf8":           "bad \uFFFD utf8",
		"no\u00a0break":           "no\u00a0break",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%+q became %+q, want %+q", in, got, want)
		}
	}
}

func TestBriefIsBounded(t *testing.T) {
	if got := Brief("  one\r\ntwo\r\nthree\n4\n5\n6\n7 "); got != "one\ntwo\nthree\n4\n5" {
		t.Errorf("%q", got)
	}
	for _, long := range []string{strings.Repeat("x", 9999), strings.Repeat("日", 999), strings.Repeat("\xff", 999), strings.Repeat("a\n", 999)} {
		if got := Brief(long); len(got) > 512 || !utf8.ValidString(got) || strings.Count(got, "\n") > 4 {
			t.Errorf("%d bytes, valid %t", len(got), utf8.ValidString(got))
		}
	}
}

func FuzzBrief(f *testing.F) {
	f.Add("a\r\n\x1b[0m\u202e\xff")
	f.Add("a\n\n\n\n\nb")
	f.Add(strings.Repeat("x ", 300))
	f.Fuzz(func(t *testing.T, text string) {
		got := Brief(text)
		if len(got) > 512 || !utf8.ValidString(got) || Brief(got) != got {
			t.Errorf("%+q became %+q", text, got)
		}
	})
}

func TestIDs(t *testing.T) {
	for random, want := range map[[5]byte]ID{
		{}:                             "00000000",
		{255, 255, 255, 255, 255}:      "ZZZZZZZZ",
		{0, 0, 0, 0, 1}:                "00000001",
		{0x08, 0x86, 0x42, 0x98, 0xe8}: "12345678",
	} {
		if got := NewID(random); got != want {
			t.Errorf("%v is %s, want %s", random, got, want)
		}
	}
	for typed, want := range map[string]string{"7hk": "7HK", "oil": "011", "ZZZZZZZZ": "ZZZZZZZZ"} {
		if got, err := ParseIDPrefix(typed); err != nil || got != want {
			t.Errorf("%s is %s, %v", typed, got, err)
		}
	}
	for _, wrong := range []string{"", "U", "123456789", "a b", "é", "../x", "*"} {
		if got, err := ParseIDPrefix(wrong); err == nil {
			t.Errorf("%q is taken for %s", wrong, got)
		}
	}
}

func TestWorstIsNeverBetterThanWhatWasSeen(t *testing.T) {
	of := func(all ...Health) (o []Observation) {
		for _, h := range all {
			o = append(o, Observation{Health: h})
		}
		return o
	}
	for want, cases := range map[Health][][]Observation{
		Unknown:   {nil, of(Unknown), of(Healthy, Unknown)},
		Healthy:   {of(Healthy), of(Healthy, Healthy)},
		Unhealthy: {of(Unhealthy), of(Unknown, Unhealthy), of(Unhealthy, Healthy, Unknown)},
	} {
		for _, c := range cases {
			if got := Worst(c); got != want {
				t.Errorf("%v is %s, want %s", c, got, want)
			}
		}
	}
}

func TestWordsReadBack(t *testing.T) {
	for _, a := range []Autonomy{Unset, WatchOnly, Approve, Act} {
		var got Autonomy
		if text, _ := a.MarshalText(); got.UnmarshalText(text) != nil || got != a {
			t.Errorf("%q is %v", text, got)
		}
	}
	for r := Observe; r <= Rollback; r++ {
		var got Risk
		if text, _ := r.MarshalText(); got.UnmarshalText(text) != nil || got != r {
			t.Errorf("%q is %v", text, got)
		}
	}
	for h := Unknown; h <= Unhealthy; h++ {
		var got Health
		if text, _ := h.MarshalText(); got.UnmarshalText(text) != nil || got != h {
			t.Errorf("%q is %v", text, got)
		}
	}
	for _, target := range []Target{{}, Unit("a:b.service"), Host("h1"), VM("v")} {
		if got, err := ParseTarget(target.String()); err != nil || got != target {
			t.Errorf("%q is %v, %v", target.String(), got, err)
		}
	}
	for _, wrong := range []string{"unit:", "unit", ":x", "disk:sda"} {
		if _, err := ParseTarget(wrong); err == nil {
			t.Errorf("%q is taken for a target", wrong)
		}
	}
	if Least() != Unset || Least(Act, Unset, Approve) != Approve || Least(WatchOnly, Act) != WatchOnly {
		t.Error("the least of several levels is the lowest that has a say")
	}
}

func TestWhatContainsWhat(t *testing.T) {
	a, b, vm, host := Unit("a.service"), Unit("b.service"), VM("v"), Host("h1")
	for _, c := range []struct {
		x, y               Target
		contains, overlaps bool
	}{
		{a, a, true, true}, {a, b, false, false}, {host, a, true, true}, {a, host, false, true},
		{vm, a, true, true}, {host, vm, true, true}, {vm, host, false, true}, {vm, VM("w"), false, false},
	} {
		if c.x.Contains(c.y) != c.contains || c.x.Overlaps(c.y) != c.overlaps {
			t.Errorf("%s and %s: contains %t, overlaps %t", c.x, c.y, c.x.Contains(c.y), c.x.Overlaps(c.y))
		}
	}
}
