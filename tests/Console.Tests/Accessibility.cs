using Microsoft.Playwright;

namespace FlEvents.Console.Tests;

/// <summary>
/// What a page owes to those who do not see it, or not well, as far as it can be computed: names of controls, headings in order, references that lead somewhere, and
/// contrast (WCAG 2.2, 1.4.3: 4.5, or 3 for large text). No library for it is served.
/// </summary>
internal static class Accessibility
{
    /// <summary>Fails where a page owes something, as it is shown now.</summary>
    public static async Task AssertAsync(IPage page, string what)
    {
        var found = await page.EvaluateAsync<string[]>(Check);
        Assert.True(found.Length == 0, $"{what}: {string.Join("; ", found)}");
    }

    private const string Check = """
        () => {
            const found = [];
            const all = [...document.querySelectorAll("body *")].filter(one => one.checkVisibility({ visibilityProperty: true }));
            const told = one => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""}.${one.className} "${one.textContent.trim().slice(0, 40)}"`;

            const named = one => (one.getAttribute("aria-label") ?? [...(one.labels ?? [])].map(label => label.textContent).join(" ") + one.textContent).trim() !== "" || one.querySelector("img[alt]:not([alt=''])");
            all.filter(one => one.matches("a, button, input, select, textarea, summary, [role=region], [role=img]") && !named(one)).forEach(one => found.push(`no name: ${told(one)}`));

            let level = 0;
            all.filter(one => /^H[1-6]$/.test(one.tagName)).forEach(one => {
                const next = Number(one.tagName[1]);
                if (next > level + 1) { found.push(`heading ${next} after ${level}: ${told(one)}`); }
                level = next;
            });

            const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
            ids.filter((id, i) => ids.indexOf(id) !== i).forEach(id => found.push(`id twice: ${id}`));
            document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for], input[list]").forEach(one =>
                ["aria-describedby", "aria-labelledby", "for", "list"].flatMap(name => (one.getAttribute(name) ?? "").split(" ")).filter(id => id !== "" && !ids.includes(id)).forEach(id => found.push(`leads nowhere: ${id} of ${told(one)}`)));

            const parse = text => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
            const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
            const ground = one => {
                const layers = [];
                for (let at = one; at; at = at.parentElement) {
                    const layer = parse(getComputedStyle(at).backgroundColor);
                    layers.push(layer);
                    if (layer.a === 1) { break; }
                }
                return layers.reverse().reduce((under, top) => over(top, under), { r: 255, g: 255, b: 255, a: 1 });
            };
            const light = ({ r, g, b }) => { const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
            const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
            const look = (one, style, opacity) => {
                const under = ground(one);
                const ink = parse(style.color);
                const contrast = ratio(over({ ...ink, a: ink.a * opacity }, under), under);
                const size = parseFloat(style.fontSize);
                const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
                if (contrast < (isLarge ? 3 : 4.5)) { found.push(`contrast ${contrast.toFixed(2)}: ${told(one)}`); }
            };
            all.filter(one => !one.matches(":disabled, :disabled *, .unseen, .skip") && [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim() !== "")).forEach(one => look(one, getComputedStyle(one), 1));
            all.filter(one => one.placeholder).forEach(one => { const style = getComputedStyle(one, "::placeholder"); look(one, style, Number(style.opacity)); });
            all.filter(one => one.matches("input, select, textarea") && !one.disabled && one.type !== "checkbox").forEach(one => {
                const style = getComputedStyle(one);
                look(one, style, 1);
                const edge = ratio(parse(style.borderTopColor), ground(one.parentElement));
                if (edge < 3) { found.push(`edge ${edge.toFixed(2)}: ${told(one)}`); }
            });
            document.querySelectorAll("nav a").forEach(one => { if (one.checkVisibility() && one.getBoundingClientRect().right > innerWidth) { found.push(`out of sight: ${told(one)}`); } });
            if (document.documentElement.scrollWidth > innerWidth) { found.push(`${document.documentElement.scrollWidth} pixels in a window of ${innerWidth}`); }
            return [...new Set(found)];
        }
        """;
}
