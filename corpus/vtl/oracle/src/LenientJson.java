import wiremock.net.minidev.json.JSONArray;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The permissive JSON dialect of json-smart, written down again: the Debian build of json-smart 2.2 counts containers
 * where it should count depth and so rejects documents of some hundred objects. "Oracle jsoncheck" compares both.
 */
class LenientJson {
    static class Bad extends Exception {
        Bad(String m) { super(m); }
    }

    private static final int MAX_DEPTH = 400;
    private final String in;
    private int pos;
    private int depth;

    private LenientJson(String s) { in = s; }

    static Object parse(String s) throws Bad {
        try {
            return new LenientJson(s).value("", true); // what follows the first value is not looked at
        } catch (NumberFormatException e) { // an exponent out of all bounds
            throw new Bad(String.valueOf(e.getMessage()));
        }
    }

    private boolean eof() { return pos >= in.length() || in.charAt(pos) == 0x1A; }

    private char c() { return in.charAt(pos); }

    private static boolean sp(char c) { return c == ' ' || c == '\r' || c == '\n' || c == '\t'; }

    private Object value(String stop, boolean first) throws Bad {
        while (!eof() && sp(c())) pos++;
        if (eof()) {
            if (first) return bare(stop); // an empty document is the empty string
            return bare(stop);
        }
        char c = c();
        switch (c) {
            case ':': case '}': case ']':
                throw new Bad("Unexpected character (" + c + ") at position " + pos);
            case '{':
                return object();
            case '[':
                return array();
            case '"': case '\'':
                return string();
            case 'n': { Object s = bare(stop); return "null".equals(s) ? null : s; }
            case 't': { Object s = bare(stop); return "true".equals(s) ? Boolean.TRUE : s; }
            case 'f': { Object s = bare(stop); return "false".equals(s) ? Boolean.FALSE : s; }
            case 'N': { Object s = bare(stop); return "NaN".equals(s) ? (Object) Float.NaN : s; }
            default:
                if (c == '-' || c >= '0' && c <= '9') return number(stop);
                return bare(stop);
        }
    }

    /** unquoted text up to a stop character, trimmed */
    private String bare(String stop) {
        int start = pos;
        while (!eof() && stop.indexOf(c()) < 0) pos++;
        return in.substring(Math.min(start, in.length()), Math.min(pos, in.length())).trim();
    }

    private void digits() { while (!eof() && c() >= '0' && c() <= '9') pos++; }

    private void skip() { while (!eof() && c() <= ' ') pos++; }

    private boolean more(String stop) { return !eof() && stop.indexOf(c()) < 0 && c() < 126; }

    private Object number(String stop) {
        int start = pos++;
        digits();
        boolean isFloat = false;
        if (!eof() && (c() == '.' || c() == 'e' || c() == 'E')) {
            isFloat = true;
            if (c() == '.') { pos++; digits(); }
            if (!eof() && (c() == 'e' || c() == 'E')) {
                pos++;
                if (eof() || !(c() == '+' || c() == '-' || c() >= '0' && c() <= '9')) return rest(start, stop);
                pos++;
                digits();
            }
        }
        skip();
        if (more(stop)) return rest(start, stop);
        String s = in.substring(start, pos).trim();
        if (isFloat) {
            if (s.length() > 18) return new BigDecimal(s);
            return Double.parseDouble(s);
        }
        if (s.equals("-")) return 0;
        BigInteger b = new BigInteger(s);
        if (b.bitLength() < 32) return b.intValue();
        if (b.bitLength() < 64) return b.longValue();
        return b;
    }

    private String rest(int start, String stop) {
        while (!eof() && stop.indexOf(c()) < 0) pos++;
        return in.substring(start, pos).trim();
    }

    private Object array() throws Bad {
        enter();
        JSONArray l = new JSONArray();
        pos++;
        for (;;) {
            if (eof()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": EOF");
            char c = c();
            if (sp(c) || c == ',') { pos++; continue; }
            if (c == ']') { pos++; depth--; return l; }
            if (c == ':' || c == '}') throw new Bad("Unexpected character (" + c + ") at position " + pos);
            l.add(value(",]", false));
        }
    }

    private Object object() throws Bad {
        enter();
        Map<String, Object> m = new LinkedHashMap<>();
        for (;;) {
            pos++;
            char c = eof() ? 0x1A : c();
            if (sp(c) || c == ',') continue;
            if (c == ':' || c == ']' || c == '[' || c == '{') throw new Bad("Unexpected character (" + c + ") at position " + pos);
            if (c == '}') { pos++; depth--; return m; }
            String key = c == '"' || c == '\'' ? string() : bare(":");
            skip();
            if (eof()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": null");
            if (c() != ':') throw new Bad("Unexpected character (" + c() + ") at position " + (pos - 1));
            pos++;
            if (pos >= in.length()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": EOF");
            m.put(key, value(",}", false));
            skip();
            if (eof()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": null");
            if (c() == '}') { pos++; depth--; return m; }
            if (c() != ',') throw new Bad("Unexpected token " + c() + " at position " + (pos - 1));
        }
    }

    private void enter() throws Bad {
        if (++depth > MAX_DEPTH) throw new Bad("nested too deeply");
    }

    private String string() throws Bad {
        char q = c();
        int end = in.indexOf(q, pos + 1);
        if (end < 0) throw new Bad("Unexpected End Of File position " + in.length() + ": null");
        String s = in.substring(pos + 1, end);
        if (s.indexOf('\\') < 0) { pos = end + 1; return s; } // raw control characters stay
        StringBuilder b = new StringBuilder();
        for (;;) {
            pos++;
            if (eof()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": null");
            char c = c();
            if (c == q) { pos++; return b.toString(); }
            if (c == '\\') {
                pos++;
                if (eof()) continue;
                switch (c()) {
                    case 't': b.append('\t'); break;
                    case 'n': b.append('\n'); break;
                    case 'r': b.append('\r'); break;
                    case 'f': b.append('\f'); break;
                    case 'b': b.append('\b'); break;
                    case '\\': case '/': case '\'': case '"': b.append(c()); break;
                    case 'u': b.append(hex(4)); break;
                    case 'x': b.append(hex(2)); break;
                    default: break; // dropped, together with the backslash
                }
            } else if (c < 32 || c == 127) {
                continue; // dropped
            } else b.append(c);
        }
    }

    private char hex(int n) throws Bad {
        int v = 0;
        for (int i = 0; i < n; i++) {
            pos++;
            if (eof()) throw new Bad("Unexpected End Of File position " + (pos - 1) + ": EOF");
            int d = Character.digit(c(), 16);
            if (d < 0 || c() > 'f') throw new Bad("Unexpected unicode escape at position " + pos);
            v = v * 16 + d;
        }
        return (char) v;
    }
}
