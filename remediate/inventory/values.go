package inventory

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"nightshift/remediate/strict"
)

// Size is a number of bytes, written with a binary unit: 256MiB.
type Size int64

// sizeUnits are the units of a size, from the largest.
var sizeUnits = []struct {
	name  string
	bytes Size
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// UnmarshalText reads a whole number with KiB, MiB, GiB or TiB. Units of 1000 are
// refused: systemd and the kernel count in 1024, and so would be misread.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n <= 0 || n > math.MaxInt64/int64(unit.bytes) {
			break
		}
		*s = Size(n) * unit.bytes
		return nil
	}
	return fmt.Errorf("cannot read size %q: expected a whole number above 0 with KiB, MiB, GiB or TiB", text)
}

// String writes the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if s != 0 && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Percent is a share of a hundred: 85 for 85%.
type Percent float64

// UnmarshalText reads a number above 0 with a percent sign. How large it may be
// depends on what it is a share of.
func (p *Percent) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(n > 0) || math.IsInf(n, 0) {
		return fmt.Errorf("cannot read share %q: expected a number above 0 with a percent sign, like 85%%", text)
	}
	*p = Percent(n)
	return nil
}

func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }

// Amount is a share or a size; the other one is 0.
type Amount struct {
	Share Percent
	Size  Size
}

// UnmarshalText reads what [Percent] or [Size] reads.
func (a *Amount) UnmarshalText(text []byte) error {
	if a.Share.UnmarshalText(text) == nil || a.Size.UnmarshalText(text) == nil {
		return nil
	}
	return fmt.Errorf("cannot read amount %q: expected a share like 10%% or a size like 2GiB", text)
}

// Disk says what a rollback does with a disk.
type Disk string

// What a rollback does with a disk.
const (
	Rollback Disk = "rollback" // it goes back
	Keep     Disk = "keep"     // it stays as it is
)

// UnmarshalText reads rollback or keep.
func (d *Disk) UnmarshalText(text []byte) error {
	*d = Disk(text)
	if *d != Rollback && *d != Keep {
		return fmt.Errorf("cannot read %q: expected rollback or keep", text)
	}
	return nil
}

// maxDuration bounds every duration of an inventory.
const maxDuration = strict.MaxDuration

// Delay is a duration that may be 0.
type Delay time.Duration

// UnmarshalText reads a duration as Prometheus writes it, up to 30 days.
func (d *Delay) UnmarshalText(text []byte) error {
	parsed, err := strict.ParseDelay(string(text))
	*d = Delay(parsed)
	return err
}

func (d Delay) String() string { return time.Duration(d).String() }

// spell writes a duration as the file does.
func spell(d time.Duration) string { return strict.Spell(d) }
