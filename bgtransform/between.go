package bgtransform

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	own "github.com/bgtransform/sidecar/bgtransform/internal/dialect"
)

// between returns a value that divides those from first to last, of a column of the
// key, so that about share of them are smaller, if they stand evenly. It reports
// false where nobody but the database knows what stands between two values.
func between(c own.Column, first, last any, share float64) (any, bool) {
	switch a := first.(type) {
	case int64:
		b, ok := last.(int64)
		return int64(divide(ordinal(a), ordinal(b), share) ^ signBit), ok && a < b
	case []byte:
		b, ok := last.([]byte)
		if !ok {
			return nil, false
		}
		return betweenBytes(a, b, share)
	case string:
		b, ok := last.(string)
		if !ok {
			return nil, false
		}
		if v, ok := betweenUUIDs(a, b, share); ok || c.Kind == own.Other {
			return v, ok
		}
		return betweenTexts(a, b, share)
	default:
		return nil, false
	}
}

const signBit = 1 << 63

// ordinal is the place of an integer among all, from the smallest on.
func ordinal(v int64) uint64 { return uint64(v) ^ signBit }

// divide returns what is share of the way from a to b.
func divide(a, b uint64, share float64) uint64 { return a + uint64(float64(b-a)*share) }

// betweenBytes goes by the eight bytes in which a and b begin to differ.
func betweenBytes(a, b []byte, share float64) (any, bool) {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	var from, to [8]byte
	copy(from[:], a[same:])
	copy(to[:], b[same:])
	lo, hi := binary.BigEndian.Uint64(from[:]), binary.BigEndian.Uint64(to[:])
	return binary.BigEndian.AppendUint64(bytes.Clone(a[:same]), divide(lo, hi, share)), lo < hi
}

// betweenUUIDs goes by the first eight bytes of two UUIDs.
func betweenUUIDs(a, b string, share float64) (any, bool) {
	from, ok := ofUUID(a)
	to, also := ofUUID(b)
	if !ok || !also || from >= to {
		return nil, false
	}
	text := hex.EncodeToString(binary.BigEndian.AppendUint64(nil, divide(from, to, share)))
	text = text[:8] + "-" + text[8:12] + "-" + text[12:] + "-0000-000000000000"
	if strings.ContainsAny(a+b, "ABCDEF") {
		text = strings.ToUpper(text)
	}
	return text, true
}

// alphabets are what keys of text are made of, the smallest first.
func alphabets() []string {
	const digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
	printable := make([]byte, 0, '~'-' '+1)
	for c := byte(' '); c <= '~'; c++ {
		printable = append(printable, c)
	}
	return []string{digits, digits + "ABCDEF", digits + "abcdef", digits + upper, digits + lower, digits + upper + lower, string(printable)}
}

// textPlaces is how many characters of a text count for its place.
const textPlaces = 7

// betweenTexts goes by the characters from which on a and b differ, as numbers whose
// digits are the characters of the smallest alphabet that has all of them. Most
// collations sort those alike; where one does not, the beginnings of batches crowd.
func betweenTexts(a, b string, share float64) (any, bool) {
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	for same > 0 && !utf8.RuneStart((a + " ")[same]) {
		same--
	}
	for _, letters := range alphabets() {
		from, ok := number(a[same:], letters)
		to, also := number(b[same:], letters)
		if !ok || !also {
			continue
		}
		if from >= to {
			return nil, false
		}
		return a[:same] + digits(divide(from, to, share), letters), true
	}
	return nil, false
}

// number reads a text as a number; a text that has ended has the digit 0 from there on.
func number(text, letters string) (n uint64, ok bool) {
	for i := range textPlaces {
		n *= uint64(len(letters) + 1)
		if i >= len(text) {
			continue
		}
		digit := strings.IndexByte(letters, text[i])
		if digit < 0 {
			return 0, false
		}
		n += uint64(digit + 1)
	}
	return n, true
}

// digits is the text of a number, up to its first digit 0.
func digits(n uint64, letters string) string {
	var parts [textPlaces]byte
	for i := range parts {
		parts[textPlaces-1-i] = byte(n % uint64(len(letters)+1))
		n /= uint64(len(letters) + 1)
	}
	var text []byte
	for _, d := range parts {
		if d == 0 {
			break
		}
		text = append(text, letters[d-1])
	}
	return string(text)
}
