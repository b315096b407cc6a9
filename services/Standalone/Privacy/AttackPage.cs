using System.Globalization;
using System.Text;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Privacy;

/// <summary>The demonstration as one HTML page that needs nothing else: pictures stand in it.</summary>
public static class AttackPage
{
    private const string Style = """
        :root { color-scheme: light dark; }
        body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2.5rem auto; padding: 0 1.25rem; }
        h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
        .views { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1.25rem; margin: 1.75rem 0; padding: 0; }
        figure { margin: 0; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .5rem; overflow: hidden; }
        img { display: block; width: 100%; image-rendering: pixelated; background: #000; }
        figcaption { padding: .75rem 1rem 1rem; }
        h2 { font-size: 1.05rem; margin: 0; }
        .number { font-variant-numeric: tabular-nums; font-weight: 600; }
        figcaption p { margin: .35rem 0 0; font-size: .9rem; }
        """;

    /// <summary>The page.</summary>
    /// <param name="run">Name of the run; escaped.</param>
    /// <param name="views">The original first.</param>
    /// <param name="columns">Pixels in a row.</param>
    public static string Create(string run, IReadOnlyList<AttackView> views, int columns)
    {
        var figures = new StringBuilder();
        foreach (var view in views)
        {
            figures.Append(CultureInfo.InvariantCulture, $"""
                <figure>
                <img alt="{ReportText.Html(view.Title)}" src="data:image/png;base64,{Convert.ToBase64String(AttackPicture.Png(view.Pixels, columns))}">
                <figcaption><h2>{ReportText.Html(view.Title)}</h2><span class="number">{Ratio(view.PeakSignalToNoise)}</span><p>{ReportText.Html(view.Note)}</p></figcaption>
                </figure>

                """);
        }

        return $"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>{ReportText.Html(run)} – gradient inversion</title>
            <style>
            {Style}
            </style>
            </head>
            <body>
            <h1>What an update shows of the data behind it</h1>
            <p>Run {ReportText.Name(run)}. A client trains one step on one image and sends its model update. In the first layer of the model every row of
            that update is the image itself times a number, and the bias holds the number: whoever reads the update divides one by the other. With privacy noise the
            same division gives noise.</p>
            <div class="views">
            {figures}</div>
            <p>PSNR is the peak signal-to-noise ratio to the original, in decibels: above 40 dB no difference can be seen, and an all-black picture
            in place of this image has {Ratio(AttackInversion.PeakSignalToNoise(views[0].Pixels, new double[views[0].Pixels.Length]))}. Batches of many images only
            make the attack harder, not impossible; the noise is what a guarantee rests on.</p>
            </body>
            </html>

            """;
    }

    /// <summary>A PSNR with its unit.</summary>
    public static string Ratio(double? decibels) => decibels switch
    {
        null => "the client’s image",
        double.PositiveInfinity => "PSNR ∞: equal",
        { } value => string.Create(CultureInfo.InvariantCulture, $"PSNR {value:F1} dB"),
    };
}
