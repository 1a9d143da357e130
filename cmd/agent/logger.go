package main

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// newLogger writes to w what is of a level (debug, info, warn, error) or above:
// as text that people read on a terminal, as JSON everywhere else, or as the
// format says. In both, a line is one record, whatever an alert has in it.
func newLogger(w io.Writer, format, level string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	s := newScreen(w)
	if format == "json" || format == "auto" && !s.isTerminal() {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: least, TimeFormat: time.TimeOnly, NoColor: !s.colour}))
}
