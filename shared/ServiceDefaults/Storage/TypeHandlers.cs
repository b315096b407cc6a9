using System.Data;
using System.Globalization;
using Dapper;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Guids as lower-case text with hyphens.</summary>
internal sealed class GuidHandler : SqlMapper.TypeHandler<Guid>
{
    public override void SetValue(IDbDataParameter parameter, Guid value) => parameter.Value = value.ToString("D");

    public override Guid Parse(object value) => Guid.ParseExact((string)value, "D");
}

/// <summary>Times as UTC text of fixed length, so that their order is the text's.</summary>
internal sealed class TimestampHandler : SqlMapper.TypeHandler<DateTimeOffset>
{
    public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) => parameter.Value = Format(value);

    public override DateTimeOffset Parse(object value) =>
        DateTimeOffset.ParseExact((string)value, "yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public static string Format(DateTimeOffset value) => value.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}
