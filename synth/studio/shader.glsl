// One program for every surface: paints the livery by part, lights it by sun and sky,
// and writes beside the colour the caption colour that each pixel shows.
#ifdef VERTEX
in vec3 in_position; in vec3 in_normal; in vec2 in_uv; in float in_part;
uniform mat4 u_clip; uniform mat4 u_sun_clip; uniform mat3 u_rotation;
out vec3 v_body; out vec3 v_normal; out vec3 v_world; out vec2 v_uv; out vec4 v_sun;
flat out int v_part;
void main() {
    v_body = in_position; v_normal = u_rotation * in_normal; v_world = u_rotation * in_position;
    v_uv = in_uv; v_part = int(in_part + 0.5); v_sun = u_sun_clip * vec4(in_position, 1.0);
    gl_Position = u_clip * vec4(in_position, 1.0);
}
#endif
#ifdef FRAGMENT
in vec3 v_body; in vec3 v_normal; in vec3 v_world; in vec2 v_uv; in vec4 v_sun;
flat in int v_part;
layout(location = 0) out vec4 out_color;
layout(location = 1) out vec4 out_label;
const int LAYERS = 5;
uniform vec4 u_layer_param[10 * LAYERS];
uniform ivec2 u_layer[10 * LAYERS];        // kind, palette row
uniform vec3 u_palette[12]; uniform int u_palette_label[12]; uniform float u_palette_gloss[12];
uniform vec3 u_camera; uniform vec3 u_sun; uniform vec3 u_sun_color; uniform vec3 u_zenith;
uniform vec3 u_horizon; uniform vec3 u_ground; uniform float u_weather; uniform float u_seed;
uniform float u_panel; uniform float u_scale; uniform float u_exposure; uniform int u_translucent;
uniform sampler2D u_shadow; uniform sampler2D u_decal; uniform float u_disc_alpha;

float hash(vec3 p) { p = fract(p * 0.3183099 + 0.1); p *= 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float noise(vec3 x) {
    vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y),
               mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x), mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y), f.z);
}
float fbm(vec3 p) { return 0.55 * noise(p) + 0.3 * noise(p * 2.1 + 5.0) + 0.15 * noise(p * 4.3 + 9.0); }

// height on a loft: -1 at its underside, 1 at its top, from the angle around it
float height(vec2 uv) { return sin(uv.y * 6.2831853); }

bool covers(int kind, vec4 q, vec2 uv, vec3 p) {
    float t = height(uv);
    if (kind == 1) return true;
    if (kind == 2) return uv.x > q.x && uv.x < q.y;                                   // range along u
    if (kind == 3) return t + q.z * (uv.x - 0.5) > q.x && t + q.z * (uv.x - 0.5) < q.y && uv.x > q.w;  // height on a loft
    if (kind == 4) return uv.y > q.x && uv.y < q.y;                                   // range along v
    if (kind == 5) { float d = p.x * q.x + p.z * q.y; return d > q.z && d < q.w; }     // diagonal in side view
    if (kind == 6) return fract((q.w > 0.5 ? uv.y : uv.x) * q.x + q.y) < q.z;          // stripes
    if (kind == 7) { float n = fbm(p * q.x + q.y); return n > q.z && n < q.w; }        // camouflage
    if (kind == 8) return mod(floor(uv.x * q.x + q.z) + floor(uv.y * q.y), 2.0) < 0.5; // checker
    if (kind == 9) return fract(uv.y * q.x + uv.x * q.y + q.w) < q.z;                  // spiral
    if (kind == 10) { float z = q.z * abs(fract(uv.y * q.w) * 2.0 - 1.0); return uv.x > q.x + z && uv.x < q.y + z; }
    if (kind == 11) { float d = length(vec2(p.x - q.x, abs(p.y) - q.y)); return d > q.z && d < q.w; }  // roundel on a wing
    if (kind == 17) { float d = length(vec2(p.x - q.x, p.z - q.y)); return d > q.z && d < q.w; }        // roundel on a side
    if (kind == 12) { if (uv.x < q.y || uv.x > q.z) return false;                      // window row
        float h = abs(t - q.w) * 7.0; float w = abs(fract(uv.x * q.x) - 0.5) * 4.2; return h * h + w * w < 1.0; }
    if (kind == 13) { if (uv.x < q.x || uv.x > q.y || t < q.z || t > q.w) return false; // windscreen with frames
        return abs(fract(uv.y * 9.0 + 0.25) - 0.5) < 0.44; }
    if (kind == 14) {                                                                  // lettering, reads on both sides
        vec2 d = vec2((q.x - p.x) * (p.y > 0.0 ? 1.0 : -1.0), p.z - q.y) / q.zw;
        if (abs(d.x) > 1.0 || abs(d.y) > 1.0) return false;
        return texture(u_decal, vec2(0.5 + 0.5 * d.x, 0.5 - 0.5 * d.y)).r > 0.5; }
    if (kind == 15) { vec3 c = floor(p * q.x); return hash(c + q.y) > q.z; }           // digital camouflage
    if (kind == 16) { vec2 d = fract(uv * q.xy + q.w) - 0.5; return dot(d, d) < q.z; } // dots
    return false;
}

vec3 sky(vec3 d) {
    vec3 c = d.z > 0.0 ? mix(u_horizon, u_zenith, pow(d.z, 0.6)) : mix(u_horizon, u_ground, min(1.0, -d.z * 3.0));
    return c;
}

float shadow() {
    vec3 q = v_sun.xyz / v_sun.w * 0.5 + 0.5;
    float lit = 0.0, texel = 1.0 / 768.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
        lit += texture(u_shadow, q.xy + vec2(i, j) * texel).r + 0.006 > q.z ? 1.0 : 0.0;
    return lit / 9.0;
}

void main() {
    vec3 view = normalize(u_camera - v_world);
    vec3 n = normalize(v_normal);
    if (dot(n, view) < 0.0) n = -n;
    if (u_translucent == 1) {
        if (v_part == 15) {                                                            // flame, u from nozzle to tip
            float core = 1.0 - v_uv.x;
            vec3 c = mix(vec3(1.0, 0.45, 0.12), vec3(1.0, 0.95, 0.8), core);
            float a = core * (0.6 + 0.4 * noise(v_body * 9.0 + u_seed));
            out_color = vec4(c * a, a); out_label = vec4(0.0); return;
        }
        float streak = 0.55 + 0.45 * sin(v_uv.y * 6.2831853 * 2.0 + u_seed * 7.0);
        float a = u_disc_alpha * streak * smoothstep(0.0, 0.25, v_uv.x) * (0.75 + 0.5 * v_uv.x);
        out_color = vec4(vec3(0.18 + 0.35 * fract(u_seed)) * a, a); out_label = vec4(0.0); return;
    }
    int row = 3; float detail = 1.0;
    if (v_part < 10) {
        row = 0;
        for (int k = 0; k < LAYERS; k++) {
            ivec2 layer = u_layer[v_part * LAYERS + k];
            if (layer.x != 0 && covers(layer.x, u_layer_param[v_part * LAYERS + k], v_uv, v_body)) row = layer.y;
        }
        // panel lines, thin and faint, on painted skins only
        float lines = max(step(0.965, fract(v_uv.x * 11.0 + 0.3)), v_part == 1 ? step(0.97, fract(v_uv.y * 7.0)) : step(0.985, fract(v_uv.y * 8.0 + 0.13)));
        detail = 1.0 - u_panel * lines;
    }
    else if (v_part == 10) row = 3;
    else if (v_part == 11) row = 4;
    else if (v_part == 12) row = 5;
    else if (v_part == 13) row = 6;
    else row = 7;
    vec3 base = u_palette[row]; float gloss = u_palette_gloss[row];
    float dirt = fbm(v_body * 5.0 + u_seed * 3.0);
    base *= detail * (1.0 + u_weather * (dirt - 0.5) * 1.6);
    base *= 1.0 - u_weather * 0.5 * step(0.62, noise(vec3(v_body.x * 2.0, v_body.yz * 14.0) + u_seed));
    float sun = max(dot(n, u_sun), 0.0) * shadow();
    // ambient light from the hemisphere, darker towards the underside and in concave places
    vec3 ambient = mix(mix(u_ground, u_horizon, 0.5), u_zenith * 0.6 + u_horizon * 0.4, 0.5 + 0.5 * n.z);
    vec3 color = base * (u_sun_color * sun + ambient);
    float rim = pow(1.0 - max(dot(n, view), 0.0), 4.0);
    vec3 reflected = reflect(-view, n);
    color += gloss * (0.05 + 0.95 * rim) * sky(reflected) * (row == 5 ? 1.6 : 0.8);
    vec3 half_way = normalize(u_sun + view);
    color += u_sun_color * gloss * pow(max(dot(n, half_way), 0.0), 12.0 + 110.0 * gloss) * (sun > 0.0 ? 1.0 : 0.0) * 1.4;
    color = 1.0 - exp(-color * u_exposure);
    out_color = vec4(pow(color, vec3(1.0 / 2.2)), 1.0);
    out_label = vec4(float(u_palette_label[row]) / 255.0, float(v_part) / 255.0, 0.0, 1.0);
}
#endif
