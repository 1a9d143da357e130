package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestALogLineCantBeForged(t *testing.T) {
	const evil = "x\n12:00:00 INF all is well\x1b[2J"
	for _, format := range []string{"text", "json", "auto"} {
		var text strings.Builder
		newLogger(&text, format, "info").Info("incident", slog.String("alert", evil), slog.Any("err", errors.New(evil)))
		if got := text.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestTheLevelDecidesWhatIsLogged(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		var text strings.Builder
		log := newLogger(&text, "json", level)
		log.Debug("x")
		log.Info("x")
		log.Warn("x")
		log.Error("x")
		if got := strings.Count(text.String(), "\n"); got != want {
			t.Errorf("level %s: %d lines, want %d", level, got, want)
		}
	}
}
