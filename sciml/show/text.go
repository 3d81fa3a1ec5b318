package show

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	most      = 10_000 // letters of a text
	mostItems = 100    // elements of a list
	mostRows  = 20     // rows of a matrix
	deepest   = 8      // levels of values within values
)

// Text is a value as Value shows it. It takes any value, also one whose own method panics or one that leads back to itself.
func Text(v any) string {
	var w writer
	w.value(reflect.ValueOf(v), 0)
	text := w.b.String()
	if len(text) > most {
		cut := most
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = fmt.Sprintf("%s… (%d bytes in all)", text[:cut], len(text))
	}
	return text
}

type writer struct{ b strings.Builder }

func (w *writer) full() bool { return w.b.Len() > most }

func (w *writer) value(v reflect.Value, depth int) {
	if w.full() {
		return
	}
	if !v.IsValid() {
		w.b.WriteString("nil")
		return
	}
	if text, ok := own(v); ok {
		w.b.WriteString(text)
		return
	}
	if depth > deepest {
		w.b.WriteString("…")
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.b.WriteString(strconv.Quote(v.String()))
	case reflect.Float64, reflect.Float32:
		w.b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	case reflect.Slice, reflect.Array:
		w.list(v, depth)
	case reflect.Map:
		w.table(v, depth)
	case reflect.Struct:
		w.fields(v, depth)
	case reflect.Interface:
		w.value(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			w.b.WriteString("nil")
			return
		}
		w.b.WriteString("&")
		w.value(v.Elem(), depth+1)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		w.b.WriteString(v.Type().String())
		if v.IsNil() {
			w.b.WriteString("(nil)")
		}
	default:
		fmt.Fprint(&w.b, printable(v))
	}
}

// printable is a value of a basic kind, also of a field that is not exported.
func printable(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanComplex():
		return v.Complex()
	case v.Kind() == reflect.Bool:
		return v.Bool()
	}
	return v.String()
}

// own is the text that a value has for itself, as an error or by a method String.
func own(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() || isNil(v.Interface()) {
		return "", false
	}
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	switch x := v.Interface().(type) {
	case error:
		return x.Error(), true
	case fmt.Stringer:
		return x.String(), true
	}
	return "", false
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return !r.IsValid()
}

// list writes a slice or an array in one line, a matrix in one for each row.
func (w *writer) list(v reflect.Value, depth int) {
	n := v.Len()
	if v.Kind() == reflect.Slice && v.IsNil() {
		w.b.WriteString("nil")
		return
	}
	element := v.Type().Elem()
	rows := n > 1 && (element.Kind() == reflect.Slice || element.Kind() == reflect.Array) && depth == 0
	limit := mostItems
	if rows {
		limit = mostRows
	}
	w.b.WriteString("[")
	for i := range n {
		if i > 0 {
			if rows {
				w.b.WriteString("\n")
			}
			w.b.WriteString(" ")
		}
		if i == limit || w.full() {
			fmt.Fprintf(&w.b, "… %d in all", n)
			break
		}
		w.value(v.Index(i), depth+1)
	}
	w.b.WriteString("]")
}

func (w *writer) table(v reflect.Value, depth int) {
	if v.IsNil() {
		w.b.WriteString("nil")
		return
	}
	keys := sortedKeys(v)
	w.b.WriteString("map[")
	for i, key := range keys {
		if i > 0 {
			w.b.WriteString(" ")
		}
		if i == mostItems || w.full() {
			fmt.Fprintf(&w.b, "… %d in all", len(keys))
			break
		}
		w.value(key, depth+1)
		w.b.WriteString(":")
		w.value(v.MapIndex(key), depth+1)
	}
	w.b.WriteString("]")
}

func (w *writer) fields(v reflect.Value, depth int) {
	w.b.WriteString("{")
	for i := range v.NumField() {
		if i > 0 {
			w.b.WriteString(" ")
		}
		w.b.WriteString(v.Type().Field(i).Name + ":")
		w.value(v.Field(i), depth+1)
	}
	w.b.WriteString("}")
}
