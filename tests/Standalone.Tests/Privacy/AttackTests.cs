using System.IO.Compression;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Tests.Privacy;

public class AttackTests
{
    private static readonly RunFile Sample = RunFileReader.Load(Repository.File("samples", "attack", "run.json"), []).Spec!;
    private static readonly CryptographicNoise Noise = new();

    [Theory, InlineData(0), InlineData(1), InlineData(77)]
    public void A_bare_update_gives_the_image_away_and_a_noised_one_does_not(int example)
    {
        var views = Attack.Views(Sample.Run, Sample.Simulation.Data["digits"], example, Noise);

        Assert.Equal(["Original", "No protection", "Mode example", "Mode local"], views.Select(view => view.Title));
        Assert.Null(views[0].PeakSignalToNoise);
        Assert.True(views[1].PeakSignalToNoise > 40, $"{views[1].PeakSignalToNoise} dB");
        Assert.True(views[2].PeakSignalToNoise < 15, $"{views[2].PeakSignalToNoise} dB");
        Assert.True(views[3].PeakSignalToNoise < 15, $"{views[3].PeakSignalToNoise} dB");
    }

    [Fact]
    public void The_protection_shown_is_that_of_the_run_file()
    {
        // With next to no noise DP-SGD hides nothing, and clipping alone cancels in the quotient.
        var run = Sample.Run with { Privacy = Sample.Run.Privacy with { Example = new ExamplePrivacySpec { ClipNorm = 0.5, NoiseMultiplier = 1e-6 } } };

        var view = Attack.Views(run, Sample.Simulation.Data["digits"], 0, Noise)[2];

        Assert.True(view.PeakSignalToNoise > 40, $"{view.PeakSignalToNoise} dB");
        Assert.Contains("C = 0.5, z = 1E-06", view.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_over_their_bias_are_the_input()
    {
        // g = (2, 0, −1), x = (3, 5): the gradient of the weight is g·xᵀ.
        Assert.Equal([3, 5], AttackInversion.Rebuild([6, 10, 0, 0, -3, -5], [2, 0, -1]));
        Assert.Equal([0, 0], AttackInversion.Rebuild([0, 0], [0]));
        Assert.Throws<ArgumentException>(() => AttackInversion.Rebuild([1, 2, 3], [1, 2]));
    }

    [Fact]
    public void Peak_signal_to_noise_is_that_of_the_mean_squared_error()
    {
        Assert.Equal(20, AttackInversion.PeakSignalToNoise([0.5, 0.5], [0.6, 0.4]), 1e-9);
        Assert.Equal(double.PositiveInfinity, AttackInversion.PeakSignalToNoise([0.5], [0.5]));
    }

    [Fact]
    public void The_page_holds_its_pictures_and_escapes_the_name()
    {
        var views = Attack.Views(Sample.Run, Sample.Simulation.Data["digits"], 0, Noise);
        var page = AttackPage.Create("<b>night</b>", views, 28);

        Assert.Equal(4, page.Split("src=\"data:image/png;base64,").Length - 1);
        Assert.DoesNotContain("<b>night", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_is_a_png_of_its_pixels()
    {
        var png = AttackPicture.Png([0, 1, 0.2, -1, 2, 0.6], 3);

        Assert.Equal("89504E470D0A1A0A0000000D49484452000000030000000208000000", Convert.ToHexString(png.AsSpan(0, 28)));
        // The checksum of an empty IEND stands in every PNG file.
        Assert.Equal("0000000049454E44AE426082", Convert.ToHexString(png.AsSpan(png.Length - 12)));
        var length = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(33));
        using var unpacked = new MemoryStream();
        new ZLibStream(new MemoryStream(png, 41, length), CompressionMode.Decompress).CopyTo(unpacked);
        Assert.Equal([0, 0, 255, 51, 0, 0, 255, 153], unpacked.ToArray());
    }

    [Fact]
    public void Models_that_begin_otherwise_are_refused_with_the_reason()
    {
        var cnn = Sample.Run with { Model = Sample.Run.Model with { Name = ModelName.Cnn, Hidden = null } };

        Assert.Contains("first layer with weights is Conv2d; expected linear", Attack.Refusal(cnn), StringComparison.Ordinal);
        Assert.Null(Attack.Refusal(Sample.Run));
        Assert.Contains("There is no image 6000", Assert.Throws<ArgumentException>(() => Attack.Views(Sample.Run, Sample.Simulation.Data["digits"], 6000, Noise)).Message);
        Assert.Throws<ArgumentException>(() => Attack.Views(cnn, Sample.Simulation.Data["digits"], 0, Noise));
    }
}
