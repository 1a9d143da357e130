package remediate

import (
	"fmt"
	"strings"
)

// ID names an incident: 8 characters of Crockford's base 32
// (https://www.crockford.com/base32.html), upper case, without I, L, O and U.
type ID string

// idAlphabet is Crockford's, in order.
const idAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IDLength is how many characters an ID has. It gives 40 bits: among 10,000 incidents the chance that a new one
// meets an old name is 1 in 100 million, and the store is asked all the same.
const IDLength = 8

// NewID makes an ID of the first 40 bits of random, which must hold 5 bytes.
func NewID(random [5]byte) ID {
	var bits uint64
	for _, b := range random {
		bits = bits<<8 | uint64(b)
	}
	text := make([]byte, IDLength)
	for i := range text {
		text[IDLength-1-i] = idAlphabet[bits&31]
		bits >>= 5
	}
	return ID(text)
}

// ParseIDPrefix reads the beginning of an ID as a person types it: any case,
// O for 0, I and L for 1. Anything else is an error.
func ParseIDPrefix(text string) (string, error) {
	prefix := strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(text))
	if prefix == "" || len(prefix) > IDLength || strings.Trim(prefix, idAlphabet) != "" {
		return "", fmt.Errorf("cannot read incident %q: expected up to %d characters of 0-9 and A-Z", text, IDLength)
	}
	return prefix, nil
}
