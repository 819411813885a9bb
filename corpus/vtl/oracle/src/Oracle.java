import wiremock.com.jayway.jsonpath.Configuration;
import wiremock.com.jayway.jsonpath.DocumentContext;
import wiremock.com.jayway.jsonpath.InvalidPathException;
import wiremock.com.jayway.jsonpath.JsonPath;
import wiremock.com.jayway.jsonpath.Option;
import wiremock.com.jayway.jsonpath.PathNotFoundException;
import wiremock.net.minidev.json.JSONArray;
import wiremock.net.minidev.json.JSONObject;
import wiremock.net.minidev.json.JSONStyle;
import wiremock.net.minidev.json.JSONValue;
import wiremock.net.minidev.json.parser.JSONParser;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.event.EventCartridge;
import org.apache.velocity.app.event.InvalidReferenceEventHandler;
import org.apache.velocity.app.event.ReferenceInsertionEventHandler;
import org.apache.velocity.context.Context;
import org.apache.velocity.context.InternalContextAdapterImpl;
import org.apache.velocity.exception.MacroOverflowException;
import org.apache.velocity.exception.MethodInvocationException;
import org.apache.velocity.exception.ParseErrorException;
import org.apache.velocity.exception.TemplateInitException;
import org.apache.velocity.runtime.RuntimeInstance;
import org.apache.velocity.runtime.parser.ParseException;
import org.apache.velocity.runtime.parser.node.SimpleNode;
import org.apache.velocity.util.introspection.Info;

import java.io.*;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

/**
 * Reference renderer ("oracle") for API Gateway mapping templates: Apache Velocity 1.7, Jayway JsonPath and json-smart,
 * wired together as the public evidence about API Gateway shows (see the reference document vtl.md).
 *
 * Usage:
 *   Oracle render   [--profile aws|stock] &lt; cases.jsonl &gt; results.jsonl
 *   Oracle jsonpath                        &lt; cases.jsonl &gt; results.jsonl
 *   Oracle bench DIR SECONDS
 *   Oracle hashorder KEY...                (iteration order of a java.util.HashMap with 32 buckets)
 */
public class Oracle {
    static final JSONStyle OUT = new JSONStyle(JSONStyle.FLAG_PROTECT_4WEB); // strict JSON, "/" not escaped

    public static void main(String[] a) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String mode = a.length == 0 ? "render" : a[0];
        String profile = "aws";
        for (int i = 1; i + 1 < a.length; i++) if (a[i].equals("--profile")) profile = a[i + 1];
        if (mode.equals("render") || mode.equals("jsonpath")) {
            String line;
            while ((line = in.readLine()) != null) {
                if (line.trim().isEmpty()) continue;
                Map<String, Object> c = asMap(parseOrdered(line));
                Map<String, Object> r = mode.equals("render") ? renderCase(c, profile) : pathCase(c);
                String answer;
                try {
                    answer = JSONObject.toJSONString(r, OUT);
                } catch (Throwable t) { // what is no JSON value: an iterator, a map that contains itself
                    r.keySet().retainAll(Arrays.asList("id", "out"));
                    r.put("unwritable", Boolean.TRUE);
                    answer = JSONObject.toJSONString(r, OUT);
                }
                out.println(answer);
            }
        } else if (mode.equals("bench")) {
            Bench.run(a[1], Double.parseDouble(a[2]), out);
        } else if (mode.equals("jsoncheck")) { // JSON strings, one a line: our parser against json-smart's
            String line;
            while ((line = in.readLine()) != null) {
                String s = (String) LenientJson.parse(line), x, y;
                try {
                    Object o = new JSONParser(JSONParser.MODE_PERMISSIVE).parse(s, JSONValue.defaultReader.DEFAULT_ORDERED);
                    x = types(o) + JSONValue.toJSONString(o, OUT);
                } catch (Throwable t) { x = "error"; }
                try {
                    Object o = LenientJson.parse(s);
                    y = types(o) + JSONValue.toJSONString(o, OUT);
                } catch (LenientJson.Bad t) { y = "error"; }
                if (!x.equals(y)) out.println(line + "\n  json-smart " + x + "\n  ours       " + y);
            }
        } else if (mode.equals("hashorder")) {
            Map<String, Object> m = new HashMap<>(32);
            for (int i = 1; i < a.length; i++) m.put(a[i], "");
            out.println(m.keySet());
        }
        out.flush();
    }

    static String types(Object o) {
        StringBuilder b = new StringBuilder();
        if (o instanceof Map) for (Object v : ((Map<?, ?>) o).values()) b.append(types(v));
        else if (o instanceof List) for (Object v : (List<?>) o) b.append(types(v));
        return b.append(o == null ? "null" : o.getClass().getSimpleName()).append(' ').toString();
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> asMap(Object o) { return o == null ? new LinkedHashMap<String, Object>() : (Map<String, Object>) o; }

    /** for our own case files */
    static Object parseOrdered(String s) throws Exception {
        return LenientJson.parse(s);
    }

    // ------------------------------------------------------------------ engine

    static RuntimeInstance engine(String profile) {
        RuntimeInstance ri = new RuntimeInstance();
        Properties p = new Properties();
        p.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        p.setProperty("velocimacro.library", "");
        p.setProperty("input.encoding", "UTF-8");
        p.setProperty("output.encoding", "UTF-8");
        p.setProperty("resource.loader", "string");
        p.setProperty("string.resource.loader.class", "org.apache.velocity.runtime.resource.loader.StringResourceLoader");
        if (profile.equals("aws")) {
            p.setProperty("directive.foreach.maxloops", "1000");
            p.setProperty("velocimacro.permissions.allow.inline", "false");
            p.setProperty("runtime.introspector.uberspect", "org.apache.velocity.util.introspection.SecureUberspector");
        }
        ri.init(p);
        if (profile.equals("stock")) {
            // the class path carries our directive.properties; the stock engine has #evaluate as well
            ri.addDirective(new org.apache.velocity.runtime.directive.Evaluate());
        }
        return ri;
    }

    static class NullIsEmpty implements InvalidReferenceEventHandler {
        public Object invalidGetMethod(Context c, String ref, Object o, String prop, Info i) { return ""; }
        public boolean invalidSetMethod(Context c, String l, String r, Info i) { return false; }
        public Object invalidMethod(Context c, String ref, Object o, String m, Info i) { return ""; }
    }

    static VelocityContext context(Map<String, Object> c, String profile) {
        VelocityContext vc = new VelocityContext();
        if (profile.equals("aws")) {
            EventCartridge ec = new EventCartridge();
            ec.addInvalidReferenceEventHandler(new NullIsEmpty());
            ec.attachToContext(vc);
        }
        Input input = new Input(asMap(c.get("input")));
        vc.put("input", input);
        vc.put("util", new Util());
        vc.put("context", hash(asMap(c.get("context"))));
        vc.put("stageVariables", new LinkedHashMap<String, Object>(asMap(c.get("stageVariables"))));
        // extra variables, only for engine tests
        for (Map.Entry<String, Object> e : asMap(c.get("vars")).entrySet()) vc.put(e.getKey(), plain(e.getValue()));
        return vc;
    }

    /** $context is a java.util.HashMap with 32 buckets at every level */
    @SuppressWarnings("unchecked")
    static Object hash(Object o) {
        if (o instanceof Map) {
            Map<String, Object> m = new HashMap<>(32);
            for (Map.Entry<String, Object> e : ((Map<String, Object>) o).entrySet()) m.put(e.getKey(), hash(e.getValue()));
            return m;
        }
        return o;
    }

    /** plain java collections (ArrayList) instead of json-smart's JSONArray */
    @SuppressWarnings("unchecked")
    static Object plain(Object o) {
        if (o instanceof Map) {
            Map<String, Object> m = new LinkedHashMap<>();
            for (Map.Entry<String, Object> e : ((Map<String, Object>) o).entrySet()) m.put(e.getKey(), plain(e.getValue()));
            return m;
        }
        if (o instanceof List) {
            List<Object> l = new ArrayList<>();
            for (Object x : (List<Object>) o) l.add(plain(x));
            return l;
        }
        return o;
    }

    static Map<String, Object> renderCase(Map<String, Object> c, String profile) {
        Map<String, Object> r = new LinkedHashMap<>();
        r.put("id", c.get("id"));
        String template = (String) c.get("template");
        VelocityContext vc = context(c, profile);
        StringWriter w = new StringWriter();
        try {
            RuntimeInstance ri = engine(profile);
            SimpleNode tree;
            InternalContextAdapterImpl ica = new InternalContextAdapterImpl(vc);
            ica.pushCurrentTemplateName("template");
            try {
                tree = ri.parse(new StringReader(template), "template");
                tree.init(ica, ri);
            } catch (ParseException | ParseErrorException | TemplateInitException e) {
                return error(r, "parse", e);
            } catch (Error e) {
                return error(r, "parse", e);
            } catch (RuntimeException e) {
                return error(r, "parse", e);
            }
            try {
                tree.render(ica, w);
            } catch (org.apache.velocity.runtime.directive.StopCommand stop) {
                if (!stop.isFor(ri)) { /* #stop: keep what has been written */ }
            }
        } catch (Throwable t) {
            Throwable x = t;
            boolean body = false;
            while (x != null) { if (x instanceof BodyError) { body = true; break; } x = x.getCause(); }
            r.put("partial", w.toString());
            return error(r, body ? "body" : "eval", body ? x : t);
        }
        r.put("out", w.toString());
        Map<String, Object> ctx = asMap(vc.get("context") instanceof Map ? vc.get("context") : null);
        for (String k : new String[]{"requestOverride", "responseOverride"})
            if (ctx.get(k) != null) r.put(k, ctx.get(k));
        return r;
    }

    static Map<String, Object> error(Map<String, Object> r, String kind, Throwable t) {
        Map<String, Object> e = new LinkedHashMap<>();
        e.put("kind", kind);
        String m = t.getMessage();
        e.put("class", t.getClass().getSimpleName());
        e.put("message", m == null ? "" : m.split("\n")[0]);
        r.put("error", e);
        return r;
    }

    // ------------------------------------------------------------------ $input, $util

    static class BodyError extends RuntimeException {
        BodyError(String m, Throwable t) { super(m, t); }
    }

    public static class Input {
        private final String raw;
        private final Map<String, Object> params = new LinkedHashMap<>();
        private Object doc;
        private boolean parsed;

        Input(Map<String, Object> in) {
            Object b = in.get("body");
            raw = b == null ? "" : b.toString();
            Map<String, Object> p = asMap(in.get("params"));
            for (String k : new String[]{"path", "querystring", "header"})
                params.put(k, new LinkedHashMap<String, Object>(asMap(p.get(k))));
        }

        public String getBody() { return raw.isEmpty() ? "{}" : raw; }

        private Object document() {
            if (!parsed) {
                try {
                    doc = LenientJson.parse(getBody());
                } catch (Exception e) {
                    throw new BodyError("Could not process payload", e);
                }
                parsed = true;
            }
            return doc;
        }

        public Object path(String p) { return read(document(), p); }

        public String json(String p) {
            Object o = read(document(), p);
            return JSONValue.toJSONString(o == null ? "" : o, JSONStyle.LT_COMPRESS);
        }

        public Object params() { return params; }

        public Object params(String name) {
            for (String k : new String[]{"path", "querystring", "header"}) {
                Object v = asMap(params.get(k)).get(name);
                if (v != null) return v;
            }
            return "";
        }

        public String toString() { return ""; }
    }

    /** $input.path semantics: a path that is not there gives null */
    static Object read(Object doc, String path) {
        try {
            JsonPath jp = JsonPath.compile(path);
            if (doc == null) return null;
            return jp.read(doc, Configuration.defaultConfiguration());
        } catch (PathNotFoundException e) {
            return null;
        }
    }

    public static class Util {
        public String escapeJavaScript(Object s) { return StringEscapeUtils.escapeJavaScript(String.valueOf(s)); }
        public Object parseJson(String s) throws Exception {
            return LenientJson.parse(s);
        }
        public String urlEncode(String s) throws Exception { return URLEncoder.encode(s, "UTF-8"); }
        public String urlDecode(String s) throws Exception { return URLDecoder.decode(s, "UTF-8"); }
        public String base64Encode(String s) { return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_8)); }
        public String base64Decode(String s) { return new String(Base64.getDecoder().decode(s), StandardCharsets.UTF_8); }
        public String toString() { return ""; }
    }

    // ------------------------------------------------------------------ JSONPath cases

    /** {id, doc (JSON text), path} -> {id, value | missing | error, definite, text (= $input.path), json (= $input.json)} */
    static Map<String, Object> pathCase(Map<String, Object> c) {
        Map<String, Object> r = new LinkedHashMap<>();
        r.put("id", c.get("id"));
        Object doc;
        try {
            Object d = c.get("doc");
            String text = d instanceof String ? (String) d : JSONValue.toJSONString(d, OUT);
            doc = LenientJson.parse(text);
        } catch (Exception e) {
            return error(r, "body", e);
        }
        try {
            JsonPath jp = JsonPath.compile((String) c.get("path"));
            if (doc == null) throw new PathNotFoundException("a null document holds nothing, as in read()");
            r.put("definite", jp.isDefinite());
            Object v = jp.read(doc, Configuration.defaultConfiguration());
            r.put("value", v);
            r.put("text", v == null ? "" : v.toString());
            r.put("json", JSONValue.toJSONString(v == null ? "" : v, JSONStyle.LT_COMPRESS));
        } catch (PathNotFoundException e) {
            r.put("missing", Boolean.TRUE);
            r.put("text", "");
            r.put("json", "\"\"");
        } catch (Throwable e) {
            return error(r, e instanceof InvalidPathException ? "path" : "eval", e);
        }
        return r;
    }
}
