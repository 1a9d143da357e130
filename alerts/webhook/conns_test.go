package webhook

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// table plays connections by name: "+a" comes, "a" gets an answer, "-a" goes.
type table struct {
	conns *Conns
	named map[string]*conn
	gone  []string
}

func (tb *table) play(story string) {
	for _, word := range strings.Fields(story) {
		switch name := word[1:]; word[0] {
		case '+':
			tb.come(name)
		case '-':
			_ = tb.named[name].Close()
		default:
			tb.conns.changed(tb.named[word], http.StateActive)
			tb.conns.changed(tb.named[word], http.StateIdle)
		}
	}
}

func (tb *table) come(name string) {
	ours, _ := net.Pipe()
	n := &conn{Conn: ours, conns: tb.conns}
	tb.named[name] = n
	if victim := tb.conns.add(n); victim != nil {
		for name, c := range tb.named {
			if c == victim {
				tb.gone = append(tb.gone, name)
			}
		}
		_ = victim.Close()
	}
}

func TestWhoHasToGo(t *testing.T) {
	for name, tc := range map[string]struct{ story, gone string }{
		"nobody while there is room":                    {"+a +b +c +d", ""},
		"the oldest stranger":                           {"+a +b +c +d +e +f", "a b"},
		"a stranger before one that had an answer":      {"+a a +b b +c +d +e", "c"},
		"the longest silent when strangers are few":     {"+a a +b b +c c +d d a +e", "b"},
		"nobody for a place that was given away":        {"+a +b +c +d -b +e", ""},
		"the answered ones when they are all there is":  {"+a a +b b +c c +d d +e e +f f", "a b"},
		"not one that came and went again":              {"+a +b -a +c +d +e +f", "b"},
		"an answer after one had to go changes nothing": {"+a +b +c +d +e a +f", "a b"},
	} {
		tb := &table{conns: NewConns(4), named: map[string]*conn{}}
		tb.play(tc.story)
		if got := strings.Join(tb.gone, " "); got != tc.gone {
			t.Errorf("%s: after %q had to go %q, want %q", name, tc.story, got, tc.gone)
		}
		if tb.conns.Open() > 4 {
			t.Errorf("%s: %d are open", name, tb.conns.Open())
		}
		for _, c := range tb.named {
			_ = c.Close()
		}
		if tb.conns.Open() != 0 {
			t.Errorf("%s: %d places are not given back", name, tb.conns.Open())
		}
	}
}
